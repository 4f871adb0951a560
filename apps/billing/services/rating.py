"""Rating: a period's closed usage becomes charges that explain themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

from apps.billing.enums import RunKind
from apps.billing.event_tallies import Tallies, tallies_of
from apps.billing.models import BillingPeriod, RatedCharge, RatingRun
from apps.core import clock
from apps.core.db import require_transaction
from apps.pricing.calculator import Charge, PriceTable, Usage, rate
from apps.pricing.models import CALLS_METER
from apps.pricing.quantities import table_for_quantity
from apps.pricing.selectors import price_table_of
from apps.subscriptions.calendar import local_day
from apps.subscriptions.models import Subscription
from apps.subscriptions.spend import waived_calls
from apps.usage.selectors import events_of, parts_of
from apps.usage.services import ClosedUsage


def rate_period(*, period: BillingPeriod, usage: ClosedUsage) -> RatingRun:
    """Rate a period's usage with the price version that it was opened on.

    The run keeps which windows it counted, at which revision, so that every charge can be led back to its events and
    computed again. Calls beyond the consumer's spend cap are among the quantity and cost nothing; the working says so.
    Fees that were billed in advance are left out. Part of the caller's transaction.
    """
    require_transaction()
    revisions = {str(window_id): revision for window_id, revision in usage.window_revisions.items()}
    run = add_run(period, RunKind.CLOSING, window_revisions=revisions)
    rows = list(period.price_version.components.all())
    table = priced_for(period)
    billed = billed_in_advance(period)
    days = days_of(period)
    waived = waived_of(period, table, usage.quantities)
    tallies = tallies_of(period, table)
    charges = rate(
        table, usages_for(table, usage.quantities, days, waived, tallies=tallies)
    ).charges
    RatedCharge.objects.bulk_create(
        charge_row(run, period, row.pk, row.name, charge, table.currency)
        for row, charge in zip(rows, charges, strict=True)
        if row.pk not in billed
    )
    return run


def add_run(
    period: BillingPeriod, kind: RunKind, *, window_revisions: dict[str, int] | None = None
) -> RatingRun:
    """Begin a run of a period. The caller holds the period's lock."""
    return RatingRun.objects.create(
        period=period,
        number=RatingRun.objects.filter(period=period).count() + 1,
        kind=kind,
        rated_at=clock.now(),
        window_revisions=window_revisions or {},
    )


def priced_for(period: BillingPeriod) -> PriceTable:
    """Return the prices of a period for the quantity that it bills. Two queries unless they are prefetched."""
    return table_for_quantity(price_table_of(period.price_version), period.quantity)


def billed_in_advance(period: BillingPeriod) -> set[UUID]:
    """Return the components whose fee was charged when the period opened. One query."""
    rows = RatedCharge.objects.filter(run__period=period, run__kind=RunKind.ADVANCE)
    return set(rows.values_list("component_id", flat=True))


def waived_of(
    period: BillingPeriod, table: PriceTable, quantities: Mapping[str, Decimal]
) -> Mapping[str, Decimal]:
    """Return by meter what lies beyond the consumer's spend cap. One query unless `spend_caps` are prefetched."""
    waived = waived_calls(
        caps=list(period.subscription.spend_caps.all()),
        table=table,
        period=period.span,
        counted=quantities.get(CALLS_METER, Decimal(0)),
    )
    return {CALLS_METER: waived}


def usages_for(
    table: PriceTable,
    quantities: Mapping[str, Decimal],
    days: tuple[int, int],
    waived: Mapping[str, Decimal],
    *,
    tallies: Tallies | None = None,
) -> dict[str, Usage]:
    """Return each priced meter's usage as the calculator takes it; what is waived of it is not charged.

    A meter whose price differs by dimension comes in parts. Without `tallies`, prices per event take the events of a
    meter for equally large.
    """
    billed_days, period_days = days
    return {
        meter: Usage(
            quantity=quantities.get(meter, Decimal(0)),
            parts=parts_of(quantities, meter) if table.has_parts(meter) else None,
            event_count=events_of(quantities, meter),
            tallies=None if tallies is None else tallies.get(meter),
            waived=waived.get(meter, Decimal(0)),
            billed_days=billed_days,
            period_days=period_days,
        )
        for meter in {component.meter for component in table.components}
    }


def days_of(period: BillingPeriod) -> tuple[int, int]:
    """Return the days that are billed of the period, or of its part, and the days of the whole period.

    Counted by local days; the day on which service started or ended is billed, the days of a trial are not.
    """
    subscription = period.subscription
    span, whole = period.span, period.whole
    first, after_last = local_day(subscription, span.start), local_day(subscription, span.end)
    started = subscription.started_at or span.start
    begin = max(first, local_day(subscription, started))
    finish = after_last
    if subscription.ended_at is not None and subscription.ended_at < span.end:
        finish = min(after_last, local_day(subscription, subscription.ended_at))
        finish = finish.fromordinal(finish.toordinal() + 1)
    begin = max(begin, _first_paid_day(subscription, finish))
    days = (local_day(subscription, whole.end) - local_day(subscription, whole.start)).days
    return max(0, min((finish - begin).days, days)), days


def _first_paid_day(subscription: Subscription, finish: date) -> date:
    """Return the day on which a trial ends, which is billed; `finish` where service ended with or before it."""
    trial_end, ended = subscription.trial_ends_at, subscription.ended_at
    if trial_end is None:
        return date.min
    if ended is not None and ended <= trial_end:
        return finish
    return local_day(subscription, trial_end)


def charge_row(  # noqa: PLR0917 -- a row's columns
    run: RatingRun,
    period: BillingPeriod,
    component_id: UUID,
    name: str,
    charge: Charge,
    currency: str,
) -> RatedCharge:
    """Return an unsaved charge of a run."""
    return RatedCharge(
        run=run,
        consumer_organization_id=period.consumer_organization_id,
        provider_organization_id=period.provider_organization_id,
        component_id=component_id,
        meter=charge.meter,
        name=name,
        quantity=charge.quantity,
        amount=charge.amount,
        currency=currency,
        calculation=charge.explain(),
    )

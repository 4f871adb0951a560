"""Rating: the closed usage of periods becomes charges that explain themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Count

from apps.billing.enums import RunKind
from apps.billing.event_tallies import Tallies, tallies_of
from apps.billing.models import BillingPeriod, RatedCharge, RatingRun
from apps.billing.services.part_limits import is_part, limits_of_part, spend_caps_of_part
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


@dataclass(frozen=True, slots=True)
class Rated:
    """A run with the charges that came out of it."""

    run: RatingRun
    charges: Sequence[RatedCharge]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is about to begin."""

    period: BillingPeriod
    kind: RunKind
    window_revisions: dict[str, int] = field(default_factory=dict)


class PriceTables:
    """The prices of several periods: those of one version and quantity are made once."""

    def __init__(self) -> None:
        """Know none yet."""
        self._tables: dict[tuple[UUID, int], PriceTable] = {}

    def of(self, period: BillingPeriod) -> PriceTable:
        """Return the prices of a period for the quantity that it bills."""
        if is_part(period):
            return priced_for(period)
        key = (period.price_version_id, period.quantity)
        if key not in self._tables:
            self._tables[key] = priced_for(period)
        return self._tables[key]


def rate_period(*, period: BillingPeriod, usage: ClosedUsage) -> RatingRun:
    """Rate one period; see `rate_periods`."""
    return rate_periods([(period, usage)])[0].run


def rate_periods(closed: Sequence[tuple[BillingPeriod, ClosedUsage]]) -> list[Rated]:
    """Rate the usage of periods, each with the price version that it was opened on.

    A run keeps which windows it counted, at which revision, so that every charge can be led back to its events and computed
    again. Calls beyond the consumer's spend cap are among the quantity and cost nothing; the working says so. Fees that were
    billed in advance are left out. Part of the caller's transaction, who holds the locks of the periods. Where prices and
    `spend_caps` are prefetched, the number of queries does not depend on that of periods; prices per event read the events.
    """
    require_transaction()
    runs = add_runs(
        [
            NewRun(
                period=period,
                kind=RunKind.CLOSING,
                window_revisions={str(key): value for key, value in usage.window_revisions.items()},
            )
            for period, usage in closed
        ]
    )
    billed = billed_in_advance([period for period, _usage in closed])
    tables = PriceTables()
    rated = [
        Rated(run, _charges_of(run, usage, tables.of(period), billed[period.pk]))
        for run, (period, usage) in zip(runs, closed, strict=True)
    ]
    RatedCharge.objects.bulk_create(charge for each in rated for charge in each.charges)
    return rated


def _charges_of(
    run: RatingRun, usage: ClosedUsage, table: PriceTable, billed: Collection[UUID]
) -> list[RatedCharge]:
    """Return the unsaved charges of a closing run."""
    period = run.period
    waived = waived_of(period, table, usage.quantities)
    tallies = tallies_of(period, table)
    usages = usages_for(table, usage.quantities, days_of(period), waived, tallies=tallies)
    return [
        charge_row(run, period, row.pk, row.name, charge, table.currency)
        for row, charge in zip(
            period.price_version.components.all(), rate(table, usages).charges, strict=True
        )
        if row.pk not in billed
    ]


def add_run(period: BillingPeriod, kind: RunKind) -> RatingRun:
    """Begin a run of one period; see `add_runs`."""
    return add_runs([NewRun(period=period, kind=kind)])[0]


def add_runs(new: Sequence[NewRun]) -> list[RatingRun]:
    """Begin a run of each of several periods. The caller holds their locks. Two queries."""
    rows = RatingRun.objects.filter(period__in=[each.period for each in new]).order_by()
    counts = dict(rows.values_list("period_id").annotate(Count("pk")))
    return RatingRun.objects.bulk_create(
        RatingRun(
            period=each.period,
            number=counts.get(each.period.pk, 0) + 1,
            kind=each.kind,
            rated_at=clock.now(),
            window_revisions=each.window_revisions,
        )
        for each in new
    )


def priced_for(period: BillingPeriod) -> PriceTable:
    """Return the prices of a period for the quantity that it bills; of a part, with what is left of the period's maxima.

    Two queries unless they are prefetched, and two for a part whose prices have a maximum.
    """
    table = table_for_quantity(price_table_of(period.price_version), period.quantity)
    return limits_of_part(period, table)


def billed_in_advance(periods: Sequence[BillingPeriod]) -> dict[UUID, set[UUID]]:
    """Return by period the components whose fee was charged when it opened. One query."""
    found: dict[UUID, set[UUID]] = {period.pk: set() for period in periods}
    rows = RatedCharge.objects.filter(run__period__in=periods, run__kind=RunKind.ADVANCE)
    for period_id, component_id in rows.values_list("run__period_id", "component_id"):
        found[period_id].add(component_id)
    return found


def waived_of(
    period: BillingPeriod, table: PriceTable, quantities: Mapping[str, Decimal]
) -> Mapping[str, Decimal]:
    """Return by meter what lies beyond the consumer's spend cap. One query unless `spend_caps` are prefetched.

    The cap is the whole period's: of a part, what earlier parts cost is off it, with one query more.
    """
    caps = list(period.subscription.spend_caps.all())
    if caps and is_part(period):
        caps, table = spend_caps_of_part(period, caps, table, days_of(period))
    waived = waived_calls(
        caps=caps,
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

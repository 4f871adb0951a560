"""Rating a closed period again: what came late, or was recomputed, becomes the difference on the next draft.

The period's windows are revised and a further run rates all that is known now. What its lines say is that, less what was
booked before; so all bookings of a period together are always the rounded rating of its quantity. Issued invoices stay.

Source: docs/domain/rerating.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Max

from apps.billing.enums import PeriodStatus, RunKind
from apps.billing.event_tallies import tallies_of
from apps.billing.events import BillingPeriodRerated
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine, RatingRun
from apps.billing.rerating_selectors import periods_due_for_rerating
from apps.billing.services.advance import issue_soon
from apps.billing.services.drafts import add_up, closing_day, draft_of
from apps.billing.services.rating import (
    NewRun,
    add_runs,
    billed_in_advance,
    days_of,
    priced_for,
    usages_for,
    waived_of,
)
from apps.billing.services.rerating_discounts import discount_differences
from apps.billing.services.rerating_lines import booked_lines, difference_lines
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.pricing.calculator import rate
from apps.pricing.calculator.steps import decimal_text
from apps.subscriptions.periods import local_date
from apps.usage.enums import Aggregation
from apps.usage.exceptions import ArchiveDamaged, EventsDropped
from apps.usage.models import Meter
from apps.usage.selectors import quantities_in
from apps.usage.services import SettledUsage, settle_usage
from apps.usage.services.archiving import note_damage
from apps.usage.services.settling import window_revisions

logger = structlog.get_logger(__name__)

# A difference waits for the invoice of the running period, unless that is further away than this.
WAITS_AT_MOST: Final = timedelta(days=31)


def rerate_due_periods(*, actor: Actor) -> dict[str, int]:
    """Rate every period again that is due for it, each in a transaction of its own.

    Returns counts: `rerated`, and `postponed` where stored calls cannot be read; those stay due.
    """
    counts = {"rerated": 0, "postponed": 0}
    for period in list(periods_due_for_rerating()):
        try:
            counts["rerated"] += bool(rerate_period(period=period, actor=actor))
        except (EventsDropped, ArchiveDamaged) as error:
            logger.warning(
                "billing.rerating_postponed", period_id=period.public_id, reason=str(error.detail)
            )
            counts["postponed"] += 1
            if isinstance(error, ArchiveDamaged):
                note_damage(error=error, actor=actor)
    return counts


@dataclass(frozen=True, slots=True)
class Rerated:
    """A run that rated a period again, and the lines that it put on a draft: none where nothing differs."""

    run: RatingRun
    lines: Sequence[InvoiceLine]


def preview_rerating(*, period: BillingPeriod, actor: Actor) -> list[Rerated]:
    """Return what rating a period again would book, for it and for later periods that change with it. Changes nothing.

    It is done and undone, so it is exact, and holds the locks of `rerate_period` for that long.

    Raises:
        EventsDropped, ArchiveDamaged: stored calls of the period cannot be read.
    """
    with transaction.atomic():
        found = _rerate(period, actor)
        transaction.set_rollback(True)
    return found


@transaction.atomic
def rerate_period(*, period: BillingPeriod, actor: Actor) -> list[Rerated]:
    """Settle what came after a closed period and book the difference; nothing where nothing did, or it is not closed.

    A level that changed (a time-weighted meter) carries on, so later closed periods are rated again with it.

    Raises:
        EventsDropped, ArchiveDamaged: stored calls of the period cannot be read; nothing changes.
    Publishes: BillingPeriodRerated, for each period that was rated.
    """
    return _rerate(period, actor)


def _rerate(period: BillingPeriod, actor: Actor) -> list[Rerated]:
    """Rate the period, and the later ones that change with it."""
    period = _locked(period.pk)
    if period.status != PeriodStatus.CLOSED:
        return []
    following = _with_levels(period)
    settled = settle_usage(
        subscription=period.subscription, period=period.span, charged=period.charged
    )
    if settled is None:
        return []
    found = [_book(period, settled, actor)]
    for later, before in following.items() if settled.carries_on else ():
        moved = _carried_to(later, before)
        if moved is not None:
            found.append(_book(later, moved, actor))
    return found


def _locked(pk: UUID) -> BillingPeriod:
    BillingPeriod.objects.lock(pk)
    return BillingPeriod.objects.select_related(
        "consumer_organization", "subscription__api", "price_version__plan"
    ).get(pk=pk)


def _with_levels(period: BillingPeriod) -> dict[BillingPeriod, dict[str, Decimal]]:
    """Return the later closed periods with their quantities, where the API has meters whose level carries on."""
    levels = Meter.objects.filter(
        api_id=period.subscription.api_id, aggregation=Aggregation.TIME_WEIGHTED
    )
    if not levels.exists():
        return {}
    later = BillingPeriod.objects.filter(
        subscription_id=period.subscription_id,
        status=PeriodStatus.CLOSED,
        period_start__gte=period.period_end,
    ).order_by("period_start")
    rows = [_locked(pk) for pk in later.values_list("pk", flat=True)]
    return {row: quantities_in(row.subscription_id, row.charged) for row in rows}


def _carried_to(period: BillingPeriod, before: dict[str, Decimal]) -> SettledUsage | None:
    quantities = quantities_in(period.subscription_id, period.charged)
    if quantities == before:
        return None
    revisions = window_revisions(period.subscription, period.charged)
    return SettledUsage(before, quantities, revisions, {}, 0, carries_on=True)


def _book(period: BillingPeriod, settled: SettledUsage, actor: Actor) -> Rerated:
    run = _add_run(period, settled)
    table, days = priced_for(period), days_of(period)
    waived = waived_of(period, table, settled.quantities)
    tallies = tallies_of(period, table)
    usage = usages_for(table, settled.quantities, days, waived, tallies=tallies)
    rows, in_advance = (
        list(period.price_version.components.all()),
        billed_in_advance([period])[period.pk],
    )
    booked = booked_lines(period)
    lines: list[InvoiceLine] = []
    for row, charge in zip(rows, rate(table, usage).charges, strict=True):
        if row.pk not in in_advance:
            lines += difference_lines(run, period, row.pk, row.name, charge, booked.get(row.pk, ()))
    lines += discount_differences(period=period, table=table, usage=usage, added=lines)
    amount = sum(line.amount_minor for line in lines)
    if lines:
        _put_on_draft(period, lines)
    record_audit(
        action="billing:period:rerated",
        target=period,
        actor=actor,
        organization_id=period.consumer_organization_id,
        after={"run": run.number, "events": settled.events, "amount_minor": amount},
    )
    publish(
        BillingPeriodRerated(
            period_id=period.pk,
            subscription_id=period.subscription_id,
            run_id=run.pk,
            amount_minor=amount,
            currency=table.currency,
        )
    )
    return Rerated(run, lines)


def _add_run(period: BillingPeriod, settled: SettledUsage) -> RatingRun:
    revisions = {str(pk): revision for pk, revision in settled.window_revisions.items()}
    [run] = add_runs([NewRun(period=period, kind=RunKind.RERATING, window_revisions=revisions)])
    run.basis = {
        "events": settled.events,
        "before": {key: decimal_text(value) for key, value in settled.before.items()},
        "after": {key: decimal_text(value) for key, value in settled.quantities.items()},
        "superseded": {
            str(pk): {"revision": revision, "quantity": decimal_text(quantity)}
            for pk, (revision, quantity) in settled.superseded.items()
        },
    }
    run.save(update_fields=["basis"])
    return run


def _put_on_draft(period: BillingPeriod, lines: Sequence[InvoiceLine]) -> Invoice:
    day = _billing_day(period)
    invoice = draft_of(period, day)
    last = invoice.lines.aggregate(last=Max("position"))["last"] or 0
    for position, line in enumerate(lines, start=last + 1):
        line.invoice, line.position = invoice, position
    InvoiceLine.objects.bulk_create(lines)
    add_up([invoice])
    issue_soon(organization_id=period.consumer_organization_id)
    return invoice


def _billing_day(period: BillingPeriod) -> date:
    """Return the day on which the running period ends, so that there is one invoice; today where none ends soon."""
    zone = period.subscription.timezone
    today = local_date(clock.business_now(period.consumer_organization), zone)
    running = (
        BillingPeriod.objects.filter(subscription_id=period.subscription_id)
        .select_related("subscription")
        .exclude(status=PeriodStatus.CLOSED)
        .order_by("period_end")
        .first()
    )
    if running is None:
        return today
    end = closing_day(running)
    return end if end <= today + WAITS_AT_MOST else today

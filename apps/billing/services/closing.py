"""Closing billing periods, some hundred in one transaction: one that is alone is a batch of one.

What many periods share is loaded once, and rows are written together. What is special about one of them, such as a change of
plan that waits for its end, takes a slower way inside the same transaction.

Source: docs/domain/billing.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import prefetch_related_objects

from apps.billing.constants import WATERMARK_DELAY
from apps.billing.enums import PeriodStatus
from apps.billing.events import BillingPeriodClosed
from apps.billing.models import BillingPeriod
from apps.billing.services.advance import bill_all_in_advance
from apps.billing.services.drafts import Booking, add_to_drafts
from apps.billing.services.opening import Opening, open_periods
from apps.billing.services.rating import rate_periods
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import AuditEntry, record_audits
from apps.core.dead_letters import resolve_done
from apps.core.events import publish_all
from apps.subscriptions.boundaries import waiting_at_boundary
from apps.subscriptions.enums import ENDED_STATUSES
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import apply_due_change, apply_due_move, follow_time_zone
from apps.usage.services import ClosedUsage, UsageToClose, close_usages

# Dead letters of periods that could not be closed.
PERIOD_SOURCE: Final = "billing.period"


def is_due(period: BillingPeriod) -> bool:
    """Whether the period's end, and the watermark after it, have passed in the account's time."""
    now = clock.business_now(period.consumer_organization)
    return now >= period.period_end + WATERMARK_DELAY


@transaction.atomic
def begin_batch(period_ids: Sequence[UUID], *, wait: bool, actor: Actor) -> list[UUID]:
    """Move due periods to `closing` and open the next ones, unless the subscription has ended.

    Periods that are not open, or not due, stay as they are. Returns which were moved. Without `wait` those are left out whose
    subscription or whose row somebody else holds.
    """
    periods = [period for period in _lock_open(period_ids, wait=wait) if is_due(period)]
    if not periods:
        return []
    now = clock.now()
    BillingPeriod.objects.filter(pk__in=[period.pk for period in periods]).update(
        status=PeriodStatus.CLOSING, closing_since=now, updated_at=now
    )
    _record("billing:period:closing", periods, actor)
    _settle_boundaries(periods, actor)
    going_on = [period for period in periods if _goes_on(period)]
    following = open_periods(
        [
            Opening(period.subscription, period.number + 1, not_before=period.period_end)
            for period in going_on
        ]
    )
    for before, period in zip(going_on, following, strict=True):
        period.consumer_organization = before.consumer_organization
    bill_all_in_advance(following)
    return [period.pk for period in periods]


def _lock_open(period_ids: Sequence[UUID], *, wait: bool) -> list[BillingPeriod]:
    """Lock the subscriptions first, as changes of plan do, and then their open periods; each in the order of their ids."""
    subscriptions = _subscriptions(
        Subscription.objects.filter(periods__in=period_ids)
        .select_for_update(of=("self",), no_key=True, skip_locked=not wait)
        .order_by("pk")
    )
    rows = BillingPeriod.objects.filter(
        pk__in=period_ids, subscription__in=subscriptions, status=PeriodStatus.OPEN
    ).order_by("pk")
    rows = rows.select_for_update(of=("self",), no_key=True, skip_locked=not wait)
    periods = sorted(rows, key=lambda period: period.period_end)
    for period in periods:
        period.subscription = subscriptions[period.subscription_id]
        period.consumer_organization = period.subscription.consumer_organization
    return periods


def _subscriptions(rows: Iterable[Subscription]) -> dict[UUID, Subscription]:
    """Load what opening a period needs of subscriptions: what several share is loaded once."""
    found = {row.pk: row for row in rows}
    prefetch_related_objects(
        list(found.values()),
        "consumer_organization",
        "api",
        "price_version__plan",
        "price_version__components__tiers",
    )
    return found


def _settle_boundaries(periods: Sequence[BillingPeriod], actor: Actor) -> None:
    """Carry out what waits for the ends of periods, also where its own job has not come to it; the next period follows it.

    Moves to a newer version and planned changes count from the next period on. One that could not follow its account to another
    time zone at once does so now.
    """
    by_id = {period.subscription_id: period for period in periods}
    touched = waiting_at_boundary(
        {subscription_id: period.period_end for subscription_id, period in by_id.items()}
    )
    for key in touched:
        end = by_id[key].period_end
        apply_due_move(subscription_id=key, boundary=end, actor=actor)
        apply_due_change(subscription_id=key, until=end, actor=actor)
    _reload(by_id, touched)
    behind = [
        key
        for key, period in by_id.items()
        if period.subscription.timezone != period.consumer_organization.timezone
        and _goes_on(period)
    ]
    moved = [key for key in behind if follow_time_zone(subscription_id=key, actor=actor)]
    _reload(by_id, moved)


def _reload(periods: dict[UUID, BillingPeriod], subscription_ids: Sequence[UUID]) -> None:
    if not subscription_ids:
        return
    for key, row in _subscriptions(Subscription.objects.filter(pk__in=subscription_ids)).items():
        periods[key].subscription = row


def _goes_on(period: BillingPeriod) -> bool:
    """Whether a period follows; a cancellation that is due, but not written down yet, ends it here."""
    subscription = period.subscription
    ends = subscription.ends_at
    return subscription.status not in ENDED_STATUSES and (ends is None or ends > period.period_end)


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of a batch of periods that were being closed."""

    closed: list[UUID]
    waiting: list[UUID]

    @property
    def seen(self) -> list[UUID]:
        """Both."""
        return [*self.closed, *self.waiting]


@transaction.atomic
def close_batch(period_ids: Sequence[UUID], *, wait: bool, actor: Actor) -> Closed:
    """Close the usage of periods, rate them, and put the charges on the accounts' draft invoices.

    Periods that are not being closed stay as they are. Those whose calls may still be on their way wait. Of several periods of
    one subscription the first is closed; the next batch closes another. Without `wait`, what somebody else holds is left out.

    Publishes: BillingPeriodClosed.
    """
    periods = _lock_closing(period_ids, wait=wait)
    if not periods:
        return Closed([], [])
    usages = close_usages(
        [
            UsageToClose(
                subscription=period.subscription,
                period=period.span,
                complete_after=_complete_after(period),
                charged=period.charged,
            )
            for period in periods
        ]
    )
    ready = [period for period in periods if period.subscription_id in usages]
    waiting = [period.pk for period in periods if period.subscription_id not in usages]
    if ready:
        _rate_and_close(ready, usages, actor)
    return Closed([period.pk for period in ready], waiting)


def _rate_and_close(
    periods: Sequence[BillingPeriod], usages: dict[UUID, ClosedUsage], actor: Actor
) -> None:
    rated = rate_periods([(period, usages[period.subscription_id]) for period in periods])
    now = clock.now()
    BillingPeriod.objects.filter(pk__in=[period.pk for period in periods]).update(
        status=PeriodStatus.CLOSED, closed_at=now, updated_at=now
    )
    add_to_drafts(
        Booking(
            run=each.run,
            charges=each.charges,
            quantities=usages[each.run.period.subscription_id].quantities,
        )
        for each in rated
    )
    entries = [
        AuditEntry(
            target=each.run.period,
            organization_id=each.run.period.consumer_organization_id,
            after={"run": each.run.number, "windows": len(each.run.window_revisions)},
        )
        for each in rated
    ]
    record_audits(action="billing:period:closed", entries=entries, actor=actor)
    references = [period.public_id for period in periods]
    resolve_done(source=PERIOD_SOURCE, references=references, actor=actor)
    publish_all(
        BillingPeriodClosed(period_id=period.pk, subscription_id=period.subscription_id)
        for period in periods
    )


def _lock_closing(period_ids: Sequence[UUID], *, wait: bool) -> list[BillingPeriod]:
    """Lock periods that are being closed, and return the first of each subscription with all that rating needs."""
    rows = BillingPeriod.objects.filter(pk__in=period_ids, status=PeriodStatus.CLOSING)
    rows = rows.order_by("pk").select_for_update(of=("self",), no_key=True, skip_locked=not wait)
    first: dict[UUID, BillingPeriod] = {}
    for period in sorted(rows, key=lambda row: (row.period_end, row.pk)):
        first.setdefault(period.subscription_id, period)
    periods = list(first.values())
    prefetch_related_objects(
        periods,
        "consumer_organization",
        "subscription__api",
        "subscription__spend_caps",
        "price_version__plan",
        "price_version__components__tiers",
    )
    for period in periods:
        period.subscription.consumer_organization = period.consumer_organization
    return periods


def _complete_after(period: BillingPeriod) -> datetime:
    """Return the real time that shippers and the inbox must have passed.

    A test clock jumps: calls made just before a jump lie inside the period, although the period's end, taken back by
    the offset, is long past. For a sandbox the moment when closing began is what counts.
    """
    if period.consumer_organization.is_sandbox and period.closing_since is not None:
        return period.closing_since
    return period.period_end


def _record(action: str, periods: Sequence[BillingPeriod], actor: Actor) -> None:
    entries = [
        AuditEntry(target=period, organization_id=period.consumer_organization_id)
        for period in periods
    ]
    record_audits(action=action, entries=entries, actor=actor)

"""Billing periods: opened one after the other, closed once, rated when they close.

A period moves open → closing → closed. `closing` is where it waits for calls that are still on their way; the next period is
open by then, so a subscription always has exactly one open period while it lives.

Source: docs/domain/billing.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.billing.constants import WATERMARK_DELAY
from apps.billing.enums import PeriodStatus
from apps.billing.events import BillingPeriodClosed
from apps.billing.models import BillingPeriod
from apps.billing.services.advance import bill_in_advance
from apps.billing.services.invoices import add_charges_to_draft, finalize_due_drafts
from apps.billing.services.rating import rate_period
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.querysets import only_of
from apps.subscriptions.calendar import numbered_period, period_number_at
from apps.subscriptions.enums import ENDED_STATUSES
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import apply_due_change, apply_due_move, follow_time_zone
from apps.usage.exceptions import UsageNotComplete
from apps.usage.services import close_usage

logger = structlog.get_logger(__name__)


@transaction.atomic
def open_first_period(*, subscription: Subscription, at: datetime) -> BillingPeriod:
    """Open the period that holds the start of a subscription, once, and charge its fees in advance.

    Called again when a trial becomes paid service, which goes on in its period: then the fees of the days that are left are
    charged.
    """
    running = BillingPeriod.objects.filter(subscription=subscription, status=PeriodStatus.OPEN)
    period = running.first() or _open_period(subscription, period_number_at(subscription, at))
    bill_in_advance(period=_locked(period), at=at)
    return period


@transaction.atomic
def move_period_end(*, subscription_id: UUID, number: int, end: datetime) -> None:
    """Let a running period end at another moment, because its account moved to another time zone."""
    rows = BillingPeriod.objects.filter(
        subscription_id=subscription_id, number=number, status=PeriodStatus.OPEN
    )
    rows.filter(whole_end__isnull=False).update(whole_end=end)
    rows.update(period_end=end, updated_at=clock.now())


def _open_period(
    subscription: Subscription, number: int, *, not_before: datetime | None = None
) -> BillingPeriod:
    """Open a period; where it joins one of the calendar that has begun, it is billed from `not_before` on."""
    span = numbered_period(subscription, number)
    start = max(span.start, not_before or span.start)
    is_short = start > span.start
    period, _is_new = BillingPeriod.objects.get_or_create(
        subscription=subscription,
        number=number,
        part=0,
        defaults={
            "consumer_organization_id": subscription.consumer_organization_id,
            "provider_organization_id": subscription.provider_organization_id,
            "price_version_id": subscription.price_version_id,
            "quantity": subscription.quantity,
            "period_start": start,
            "whole_start": span.start if is_short else None,
            "whole_end": span.end if is_short else None,
            "period_end": span.end,
        },
    )
    return period


def is_due(period: BillingPeriod) -> bool:
    """Whether the period's end, and the watermark after it, have passed in the account's time."""
    now = clock.business_now(period.consumer_organization)
    return now >= period.period_end + WATERMARK_DELAY


@transaction.atomic
def begin_closing(*, period: BillingPeriod, actor: Actor) -> BillingPeriod:
    """Move a due period to `closing` and open the next one, unless the subscription has ended.

    A period that is not open, or not due, stays as it is.
    """
    # The subscription first, as changes of plan do.
    Subscription.objects.lock(period.subscription_id)
    period = _locked(period)
    if period.status != PeriodStatus.OPEN or not is_due(period):
        return period
    period.status, period.closing_since = PeriodStatus.CLOSING, clock.now()
    period.save(update_fields=["status", "closing_since", "updated_at"])
    record_audit(
        action="billing:period:closing",
        target=period,
        actor=actor,
        organization_id=period.consumer_organization_id,
    )
    # A move to a newer version counts from the next period on, also if its own job has not come to it.
    apply_due_move(subscription_id=period.subscription_id, boundary=period.period_end, actor=actor)
    # A change planned for this boundary counts from the next period on, also if its own job has not come to it.
    apply_due_change(subscription_id=period.subscription_id, until=period.period_end, actor=actor)
    subscription = Subscription.objects.select_related("price_version").get(
        pk=period.subscription_id
    )
    if _goes_on_after(subscription, period):
        # One that could not follow its account to another time zone at once does so now.
        is_behind = subscription.timezone != period.consumer_organization.timezone
        if is_behind and follow_time_zone(subscription_id=subscription.pk, actor=actor):
            subscription.refresh_from_db()
        following = _open_period(subscription, period.number + 1, not_before=period.period_end)
        bill_in_advance(period=_locked(following))
    return period


def _goes_on_after(subscription: Subscription, period: BillingPeriod) -> bool:
    """Whether a period follows; a cancellation that is due, but not written down yet, ends it here."""
    ends = subscription.ends_at
    return subscription.status not in ENDED_STATUSES and (ends is None or ends > period.period_end)


@transaction.atomic
def close_period(*, period: BillingPeriod, actor: Actor) -> BillingPeriod:
    """Close a period's usage, rate it, and put its charges on the account's draft invoice.

    Closing again changes nothing.

    Raises:
        UsageNotComplete: calls may still be on their way; try again soon.
    Publishes: BillingPeriodClosed.
    """
    period = _locked(period)
    if period.status != PeriodStatus.CLOSING:
        return period
    usage = close_usage(
        subscription=period.subscription,
        period=period.span,
        complete_after=_complete_after(period),
        charged=period.charged,
    )
    run = rate_period(period=period, usage=usage)
    period.status, period.closed_at = PeriodStatus.CLOSED, clock.now()
    period.save(update_fields=["status", "closed_at", "updated_at"])
    add_charges_to_draft(run=run, quantities=usage.quantities)
    record_audit(
        action="billing:period:closed",
        target=period,
        actor=actor,
        organization_id=period.consumer_organization_id,
        after={"run": run.number, "windows": len(run.window_revisions)},
    )
    publish(BillingPeriodClosed(period_id=period.pk, subscription_id=period.subscription_id))
    return period


def _complete_after(period: BillingPeriod) -> datetime:
    """Return the real time that shippers and the inbox must have passed.

    A test clock jumps: calls made just before a jump lie inside the period, although the period's end, taken back by
    the offset, is long past. For a sandbox the moment when closing began is what counts.
    """
    if period.consumer_organization.is_sandbox and period.closing_since is not None:
        return period.closing_since
    return period.period_end


def _locked(period: BillingPeriod) -> BillingPeriod:
    BillingPeriod.objects.lock(period.pk)
    return BillingPeriod.objects.select_related(
        "consumer_organization", "subscription__api", "price_version__plan"
    ).get(pk=period.pk)


def due_periods(organization_id: UUID | None = None) -> QuerySet[BillingPeriod]:
    """Return the open periods whose end and watermark have passed in their account's time, oldest end first.

    Two conditions, so that the many accounts without a test clock are found by the index over ends.
    """
    now = clock.now() - WATERMARK_DELAY
    ahead = Q(
        consumer_organization__clock_offset__gt=timedelta(0),
        period_end__lte=now + F("consumer_organization__clock_offset"),
    )
    open_periods = BillingPeriod.objects.filter(status=PeriodStatus.OPEN)
    due = open_periods.filter(Q(period_end__lte=now) | Q(pk__in=open_periods.filter(ahead)))
    return only_of(due, organization_id, field="consumer_organization_id").order_by("period_end")


def close_due_periods(*, actor: Actor, organization_id: UUID | None = None) -> dict[str, int]:
    """Begin, and where possible finish, the closing of every due period; then issue what is complete.

    Only those of one organization where one is named.

    Returns counts: `closing` (began), `closed`, `waiting` (calls still on their way), `issued`.
    """
    due = list(due_periods(organization_id))
    for period in due:
        begin_closing(period=period, actor=actor)
    return {"closing": len(due), **finish_closing(actor=actor, organization_id=organization_id)}


def finish_closing(*, actor: Actor, organization_id: UUID | None = None) -> dict[str, int]:
    """Close every period that is being closed and whose calls have arrived; then issue what is complete.

    Returns counts: `closed`, `waiting` (calls still on their way), `issued`.
    """
    counts = {"closed": 0, "waiting": 0}
    rows = BillingPeriod.objects.filter(status=PeriodStatus.CLOSING).order_by("period_end")
    for period in only_of(rows, organization_id, field="consumer_organization_id"):
        try:
            close_period(period=period, actor=actor)
            counts["closed"] += 1
        except UsageNotComplete:
            logger.info("billing.period_waits_for_usage", period_id=period.public_id)
            counts["waiting"] += 1
    return {**counts, "issued": finalize_due_drafts(actor=actor, organization_id=organization_id)}

"""Subscriptions follow their account to another time zone, without a hole and without an overlap.

The running period keeps its start, and ends by the new zone. Where it would have ended already by the new zone, it ends by the old
one, and the next period is the first to follow.

Source: docs/domain/periods.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.subscriptions.calendar import (
    days_of_period,
    numbered_period,
    period_at,
    period_number_at,
)
from apps.subscriptions.enums import ENDED_STATUSES, ChangeKind, PlannedChangeStatus
from apps.subscriptions.events import SubscriptionMovedZone
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import start_of_day
from apps.subscriptions.services.changes import Cause, lock_subscription, save_change, snapshot
from apps.subscriptions.services.terms import follow_periods


@dataclass(frozen=True, slots=True)
class ZoneMove:
    """What a move to another zone means for a subscription: its running period, and when that would end."""

    subscription: Subscription
    number: int
    period: Period
    new_end: datetime
    is_at_once: bool


def plan_zone_move(subscription: Subscription, timezone: str) -> ZoneMove:
    """Tell what a move of the account would mean for a subscription. Changes nothing.

    `is_at_once` is false where the running period would have ended already: then the next one is the first to follow.
    """
    now = clock.business_now(subscription.consumer_organization)
    number = period_number_at(subscription, now)
    period = numbered_period(subscription, number)
    new_end = start_of_day(days_of_period(subscription, number).end, timezone)
    is_at_once = new_end > now
    return ZoneMove(subscription, number, period, new_end if is_at_once else period.end, is_at_once)


def preview_zone_move(*, organization: Organization, timezone: str) -> list[ZoneMove]:
    """Tell what a move of an account to another zone would mean for each of its live subscriptions."""
    rows = Subscription.objects.live().filter(
        consumer_organization=organization, started_at__isnull=False
    )
    related = ("consumer_organization", "price_version", "api", "plan")
    return [
        plan_zone_move(row, timezone)
        for row in rows.select_related(*related).order_by("pk")
        if row.timezone != timezone
    ]


@transaction.atomic
def follow_time_zone(*, subscription_id: UUID, actor: Actor) -> bool:
    """Bring a subscription to the zone of its account; return whether it moved.

    Called when the account moves, and again when a period opens, for those that could not follow at once. A scheduled end at the end of
    the period moves with it. Publishes SubscriptionMovedZone.
    """
    subscription = lock_subscription(subscription_id)
    wanted = subscription.consumer_organization.timezone
    if subscription.timezone == wanted or subscription.status in ENDED_STATUSES:
        return False
    if subscription.started_at is None:  # nothing is counted yet
        Subscription.objects.filter(pk=subscription.pk).update(timezone=wanted)
        return True
    move = plan_zone_move(subscription, wanted)
    if not move.is_at_once:
        return False
    before = snapshot(subscription)
    ends_with_period = subscription.ends_at == move.period.end
    _note_move(subscription, move)
    subscription.timezone = wanted
    waiting = subscription.planned_changes.filter(status=PlannedChangeStatus.WAITING)
    waiting.filter(due_at=move.period.end).update(due_at=move.new_end)
    if ends_with_period:
        subscription.ends_at = move.new_end
    follow_periods(subscription)
    save_change(
        subscription,
        before=before,
        cause=Cause(kind=ChangeKind.ZONE_MOVED, actor=actor),
        event=SubscriptionMovedZone,
        number=move.number,
        period_end=period_at(subscription, move.period.start).end,
    )
    return True


def _note_move(subscription: Subscription, move: ZoneMove) -> None:
    """Keep which zone the periods before have; of two moves in one period the first one's zone counts for those."""
    if any(past["number"] == move.number for past in subscription.past_zones):
        return
    subscription.past_zones = [
        *subscription.past_zones,
        {
            "number": move.number,
            "start": move.period.start.isoformat(),
            "moved_at": clock.business_now(subscription.consumer_organization).isoformat(),
            "timezone": subscription.timezone,
        },
    ]

"""How many subscribers a provider had at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.core.clock import Period
from apps.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class SubscriberCounts:
    """Subscriptions that had started and not ended, at the end and at the start of a period."""

    at_end: int
    at_start: int


def subscriber_counts(subscriptions: QuerySet[Subscription], period: Period) -> SubscriberCounts:
    """Return how many subscriptions ran when a period ended and when it began. One query."""
    found = subscriptions.order_by().aggregate(
        at_end=Count("id", filter=_running_at(period.end)),
        at_start=Count("id", filter=_running_at(period.start)),
    )
    return SubscriberCounts(found["at_end"], found["at_start"])


def subscribers_by_api(subscriptions: QuerySet[Subscription], at: datetime) -> dict[UUID, int]:
    """Return how many subscriptions to each API ran at a moment. One query."""
    rows = subscriptions.order_by().filter(_running_at(at)).values_list("api_id")
    return dict(rows.annotate(Count("id")))


def count_live_subscribers(plan_id: UUID) -> int:
    """Return how many subscriptions of a plan have not ended, waiting ones among them. One query."""
    return Subscription.objects.live().filter(plan_id=plan_id).count()


def _running_at(at: datetime) -> Q:
    return Q(started_at__lt=at) & (Q(ended_at__isnull=True) | Q(ended_at__gte=at))

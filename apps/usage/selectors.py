"""Reads of this app. Totals come from windows, never from counting events in a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour

from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.usage.enums import BatchStatus
from apps.usage.models import ShipperState, UsageBatch, UsageEvent, UsageWindow


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """One step of a usage plot: billed calls, all calls, failed calls."""

    at: datetime
    calls: int
    events: int
    errors: int


def usage_is_complete(until: datetime) -> bool:
    """Whether every call decided before `until` (real time) has been shipped and processed."""
    is_waiting = UsageBatch.objects.filter(
        status__in=(BatchStatus.PENDING, BatchStatus.FAILED), oldest_event_at__lt=until
    ).exists()
    is_shipping = ShipperState.objects.filter(oldest_unshipped_at__lt=until).exists()
    return not is_waiting and not is_shipping


def used_calls(subscription_id: UUID, period: Period) -> int:
    """Return the billed calls of a subscription in a period of its business time."""
    total = UsageWindow.objects.filter(
        subscription_id=subscription_id,
        meter=CALLS_METER,
        window_start__gte=period.start,
        window_start__lt=period.end,
    ).aggregate(total=Sum("quantity"))["total"]
    return int(total or 0)


def quantities_in(subscription_id: UUID, period: Period) -> dict[str, Decimal]:
    """Return the quantity of each meter in a period of business time."""
    rows = (
        UsageWindow.objects.filter(
            subscription_id=subscription_id,
            window_start__gte=period.start,
            window_start__lt=period.end,
        )
        .values_list("meter")
        .annotate(total=Sum("quantity"))
    )
    return dict(rows)


def events_of_consumer(actor: Actor) -> QuerySet[UsageEvent]:
    """Return the calls that the actor's organization made, newest first."""
    rows = UsageEvent.objects.order_by("-occurred_at", "-event_id")
    if actor.sees_every_tenant:
        return rows
    return rows.filter(consumer_organization_id=actor.organization_id)


def events_of_provider(actor: Actor) -> QuerySet[UsageEvent]:
    """Return the calls that the actor's APIs answered, newest first."""
    rows = UsageEvent.objects.order_by("-occurred_at", "-event_id")
    if actor.sees_every_tenant:
        return rows
    return rows.filter(provider_organization_id=actor.organization_id)


def usage_series(
    windows: QuerySet[UsageWindow], *, period: Period, by_day: bool
) -> list[UsagePoint]:
    """Return billed calls, calls and errors per hour or day, with zeros where nothing happened."""
    truncate = TruncDay if by_day else TruncHour
    step = timedelta(days=1) if by_day else timedelta(hours=1)
    rows = (
        windows.filter(
            meter=CALLS_METER, window_start__gte=period.start, window_start__lt=period.end
        )
        .annotate(at=truncate("window_start"))
        .values("at")
        .annotate(calls=Sum("quantity"), events=Sum("event_count"), errors=Sum("error_count"))
    )
    found = {row["at"]: row for row in rows}
    points: list[UsagePoint] = []
    at = period.start.replace(minute=0, second=0, microsecond=0)
    at = at.replace(hour=0) if by_day else at
    while at < period.end:
        row = found.get(at)
        points.append(
            UsagePoint(
                at,
                int(row["calls"]) if row else 0,
                int(row["events"]) if row else 0,
                int(row["errors"]) if row else 0,
            )
        )
        at += step
    return points


def windows_of_consumer(actor: Actor) -> QuerySet[UsageWindow]:
    """Return the usage windows of the actor's own subscriptions."""
    rows = UsageWindow.objects.order_by("-window_start", "-id")
    if actor.sees_every_tenant:
        return rows
    return rows.filter(consumer_organization_id=actor.organization_id)


def windows_of_provider(actor: Actor) -> QuerySet[UsageWindow]:
    """Return the usage windows of the actor's own APIs."""
    rows = UsageWindow.objects.order_by("-window_start", "-id")
    if actor.sees_every_tenant:
        return rows
    return rows.filter(provider_organization_id=actor.organization_id)


def get_consumer_subscription(actor: Actor, public_id: str) -> Subscription:
    """Return a subscription of the actor's organization.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    rows = Subscription.objects.select_related("consumer_organization", "price_version", "api")
    return rows.get_visible(actor, public_id)


def get_batch(actor: Actor, public_id: str) -> UsageBatch:
    """Return a batch that the actor's token sent; a platform token reads every batch.

    Raises:
        NotFound: unknown, or sent by another organization.
    """
    try:
        pk = parse_public_id(UsageBatch.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    rows = UsageBatch.objects.defer("body").filter(pk=pk)
    if actor.organization_id is not None:
        rows = rows.filter(organization_id=actor.organization_id)
    batch = rows.first()
    if batch is None:
        raise NotFound
    return batch

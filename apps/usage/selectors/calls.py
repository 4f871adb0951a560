"""Single calls, by who may read them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.pricing.models import CALLS_METER
from apps.usage.call_ranges import CallRange
from apps.usage.enums import EventOutcome, LateResolution
from apps.usage.models import (
    LateEvent,
    UsageEvent,
    UsageEventKey,
)
from apps.usage.selectors.archives import archives_in, find_archived
from apps.usage.selectors.history import CallHistory


def events_of_consumer(actor: Actor) -> QuerySet[UsageEvent]:
    """Return the calls that the actor's organization made, newest first."""
    rows = UsageEvent.objects.order_by("-occurred_at", "-event_id")
    if actor.sees_every_tenant:
        return rows
    if actor.organization_id is None:
        return rows.none()
    return rows.filter(consumer_organization_id=actor.organization_id)


def events_of_provider(actor: Actor) -> QuerySet[UsageEvent]:
    """Return the calls that the actor's APIs answered, newest first."""
    rows = UsageEvent.objects.order_by("-occurred_at", "-event_id")
    if actor.sees_every_tenant:
        return rows
    if actor.organization_id is None:
        return rows.none()
    return rows.filter(provider_organization_id=actor.organization_id)


def counted_events(subscription_id: UUID, period: Period) -> QuerySet[UsageEvent] | CallHistory:
    """Return the calls that make up a period's quantity, newest first: billable ones that its windows hold.

    A period that lies in archives, wholly or in part, is a history to be read by pages.
    """
    late = (
        LateEvent.objects.filter(subscription_id=subscription_id, meter=CALLS_METER)
        .exclude(resolution=LateResolution.REVISED)
        .values("event_id")
    )
    if archives_in(period):
        return CallHistory(
            CallRange(
                period=period,
                subscription_id=subscription_id,
                billable_only=True,
                statuses=(200, 1000),  # a measurement has none
                without=frozenset(late.values_list("event_id", flat=True)),
            )
        )
    return (
        UsageEvent.objects.filter(
            subscription_id=subscription_id,
            occurred_at__gte=period.start,
            occurred_at__lt=period.end,
            is_billable=True,
            outcome=EventOutcome.COMPLETED,
        )
        .exclude(event_id__in=late)
        .order_by("-occurred_at", "-event_id")
    )


def settled_events(
    subscription_id: UUID, period: Period, settled_until: datetime
) -> QuerySet[UsageEvent]:
    """Return the calls that came after a period was closed and were settled up to a moment, newest first."""
    late = LateEvent.objects.filter(
        subscription_id=subscription_id,
        meter=CALLS_METER,
        window_start__gte=period.start,
        window_start__lt=period.end,
        resolution=LateResolution.SETTLED,
        resolved_at__lte=settled_until,
    )
    return UsageEvent.objects.filter(
        subscription_id=subscription_id,
        occurred_at__gte=period.start,
        occurred_at__lt=period.end,
        event_id__in=late.values("event_id"),
    ).order_by("-occurred_at", "-event_id")


def get_call(actor: Actor, event_id: UUID) -> UsageEvent:
    """Return a call that the actor's organization made, or that one of its APIs answered, of any age.

    Raises:
        NotFound: unknown, or between two other organizations.
    """
    call = _find_call(event_id)
    sides = (None, None) if call is None else _sides_of(call)
    if call is None or not (actor.sees_every_tenant or actor.organization_id in sides):
        raise NotFound
    return call


def _sides_of(call: UsageEvent) -> tuple[UUID, UUID]:
    return call.consumer_organization_id, call.provider_organization_id


def _find_call(event_id: UUID) -> UsageEvent | None:
    """Look where its identity says, then in every partition, then in the archives."""
    key = UsageEventKey.objects.filter(pk=event_id).first()
    rows = UsageEvent.objects.filter(event_id=event_id)
    # Calls are partitioned by time, which only the identity knows; after some weeks that is forgotten.
    found = (rows.filter(occurred_at=key.occurred_at) if key else rows).first()
    return found or next(iter(find_archived([event_id])), None)

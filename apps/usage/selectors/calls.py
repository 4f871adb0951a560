"""Single calls, by who may read them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.pricing.models import CALLS_METER
from apps.usage.enums import LateResolution
from apps.usage.models import (
    LateEvent,
    UsageEvent,
    UsageEventKey,
)


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


def counted_events(subscription_id: UUID, period: Period) -> QuerySet[UsageEvent]:
    """Return the calls that make up a period's quantity, newest first: billable ones that its windows hold."""
    late = (
        LateEvent.objects.filter(subscription_id=subscription_id, meter=CALLS_METER)
        .exclude(resolution=LateResolution.REVISED)
        .values("event_id")
    )
    return (
        UsageEvent.objects.filter(
            subscription_id=subscription_id,
            occurred_at__gte=period.start,
            occurred_at__lt=period.end,
            is_billable=True,
        )
        .exclude(event_id__in=late)
        .order_by("-occurred_at", "-event_id")
    )


def get_call(actor: Actor, event_id: UUID) -> UsageEvent:
    """Return a call that the actor's organization made, or that one of its APIs answered. Two queries.

    Raises:
        NotFound: unknown, or between two other organizations.
    """
    # Calls are partitioned by time, which only the key knows.
    key = UsageEventKey.objects.filter(pk=event_id).first()
    if key is None:
        raise NotFound
    sides = Q(consumer_organization_id=actor.organization_id) | Q(
        provider_organization_id=actor.organization_id
    )
    if actor.sees_every_tenant:
        sides = Q()
    rows = UsageEvent.objects.filter(sides, event_id=event_id, occurred_at=key.occurred_at)
    call = rows.first()
    if call is None:
        raise NotFound
    return call

"""Windows, by who may read them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.usage.models import (
    UsageWindow,
)


def windows_by_id(window_ids: Iterable[str]) -> QuerySet[UsageWindow]:
    """Return the windows with these primary keys, in order of time."""
    return UsageWindow.objects.filter(pk__in=list(window_ids)).order_by("window_start", "meter")


def own_windows(actor: Actor) -> QuerySet[UsageWindow]:
    """Return the usage windows of the organization's own subscriptions."""
    return windows_of_consumer(actor).filter(consumer_organization_id=actor.organization_id)


def provided_windows(actor: Actor) -> QuerySet[UsageWindow]:
    """Return the usage windows of the organization's own APIs."""
    return windows_of_provider(actor).filter(provider_organization_id=actor.organization_id)


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

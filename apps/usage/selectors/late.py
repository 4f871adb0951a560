"""Late events, by who may read them; and how long events are in time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S, MAX_WATERMARK_DELAY_S
from apps.usage.enums import LateResolution
from apps.usage.models import LateEvent, Meter


@dataclass(frozen=True, slots=True)
class LateCalls:
    """Billed calls of a span that came behind their window's watermark.

    `revised` were added all the same; `behind` came after their billing period was closed, and are neither rated nor waived yet.
    """

    revised: int
    behind: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.revised + self.behind


def late_events_of_consumer(actor: Actor) -> QuerySet[LateEvent]:
    """Return the late events of the actor's own subscriptions, newest first."""
    rows = LateEvent.objects.select_related("subscription").order_by("-id")
    if actor.sees_every_tenant:
        return rows
    return rows.filter(consumer_organization_id=actor.organization_id)


def late_events_of_provider(actor: Actor) -> QuerySet[LateEvent]:
    """Return the late events of the actor's APIs, newest first."""
    rows = LateEvent.objects.select_related("subscription").order_by("-id")
    if actor.sees_every_tenant:
        return rows
    return rows.filter(subscription__provider_organization_id=actor.organization_id)


def get_late_event(public_id: str) -> LateEvent:
    """Return a late event of any organization, for the operator.

    Raises:
        NotFound: unknown or malformed.
    """
    try:
        pk = parse_public_id(LateEvent.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    row = LateEvent.objects.select_related("subscription").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def every_late_event() -> QuerySet[LateEvent]:
    """Return the late events of all organizations, newest first."""
    return LateEvent.objects.select_related("subscription").order_by("-id")


def late_calls(actor: Actor, period: Period) -> LateCalls:
    """Count the late calls of the actor's organization in a period of its business time. One query."""
    rows = LateEvent.objects.filter(
        consumer_organization_id=actor.organization_id,
        meter=CALLS_METER,
        occurred_at__gte=period.start,
        occurred_at__lt=period.end,
    )
    is_revised, is_open = (
        Q(resolution=state) for state in (LateResolution.REVISED, LateResolution.OPEN)
    )
    return LateCalls(
        **rows.aggregate(revised=Count("pk", filter=is_revised), behind=Count("pk", filter=is_open))
    )


def watermark_of(subscription: Subscription) -> timedelta:
    """Return how long after its end a window is closed, by the API's slowest meter."""
    return watermarks_of([subscription.api_id])[subscription.api_id]


def watermarks_of(api_ids: Collection[UUID]) -> dict[UUID, timedelta]:
    """Return by API how long after its end a window is closed, by the slowest meter of each. One query."""
    now = clock.now()
    # Of a meter that was archived long ago nothing can come any more that is not late.
    counting = Q(archived_at=None) | Q(
        archived_at__gt=now - timedelta(seconds=MAX_WATERMARK_DELAY_S)
    )
    rows = Meter.objects.filter(counting, api_id__in=api_ids).order_by().values_list("api_id")
    slowest = dict(rows.annotate(delay=Max("watermark_delay_s")))
    return {
        api_id: timedelta(seconds=max(slowest.get(api_id) or 0, DEFAULT_WATERMARK_DELAY_S))
        for api_id in api_ids
    }

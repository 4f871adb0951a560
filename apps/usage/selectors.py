"""Reads of this app. Totals come from windows, never from counting events in a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.enums import BatchStatus
from apps.usage.models import (
    LateEvent,
    ShipperState,
    UsageBatch,
    UsageEvent,
    UsageEventKey,
    UsageWindow,
)

_SUM_WINDOWS: Final = """
    SELECT asked.position, w.meter, SUM(w.quantity)
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS asked (subscription_id, period_start, period_end, position)
    JOIN usage_usagewindow w ON w.subscription_id = asked.subscription_id
        AND w.window_start >= asked.period_start AND w.window_start < asked.period_end
    GROUP BY asked.position, w.meter
"""


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


def quantities_for(questions: Sequence[UsageQuestion]) -> dict[UsageQuestion, dict[str, Decimal]]:
    """Return the quantity of each meter for many subscriptions and periods. One query."""
    found: dict[UsageQuestion, dict[str, Decimal]] = {question: {} for question in questions}
    with connection.cursor() as cursor:
        cursor.execute(
            _SUM_WINDOWS,
            [
                [question.subscription_id for question in questions],
                [question.period.start for question in questions],
                [question.period.end for question in questions],
            ],
        )
        for position, meter, total in cursor.fetchall():
            found[questions[position - 1]][meter] = total
    return found


def used_calls_for(questions: Sequence[UsageQuestion]) -> dict[UsageQuestion, int]:
    """Return the billed calls for many subscriptions and periods: the source of quota standings."""
    return {
        question: int(sums.get(CALLS_METER, 0))
        for question, sums in quantities_for(questions).items()
    }


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


def windows_by_id(window_ids: Iterable[str]) -> QuerySet[UsageWindow]:
    """Return the windows with these primary keys, in order of time."""
    return UsageWindow.objects.filter(pk__in=list(window_ids)).order_by("window_start", "meter")


def counted_events(subscription_id: UUID, period: Period) -> QuerySet[UsageEvent]:
    """Return the calls that make up a period's quantity, newest first: billable ones that came in time."""
    late = LateEvent.objects.filter(subscription_id=subscription_id).values("event_id")
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


def subscriptions_of(actor: Actor) -> QuerySet[Subscription]:
    """Return the organization's subscriptions, also ended ones, for the filters of usage pages."""
    rows = Subscription.objects.visible_to(actor).filter(
        consumer_organization_id=actor.organization_id
    )
    return rows.select_related("api", "plan").order_by("api__name", "id")


def provided_apis(actor: Actor) -> QuerySet[Api]:
    """Return the APIs of the actor's organization, by name."""
    if actor.organization_id is None:
        return Api.objects.none()
    rows = Api.objects.visible_to(actor).filter(organization_id=actor.organization_id)
    return rows.order_by("name", "id")


def get_provided_api(actor: Actor, public_id: str) -> Api:
    """Return an API of the actor's organization.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    return Api.objects.get_visible(actor, public_id)


def own_windows(actor: Actor) -> QuerySet[UsageWindow]:
    """Return the usage windows of the organization's own subscriptions."""
    return windows_of_consumer(actor).filter(consumer_organization_id=actor.organization_id)


def provided_windows(actor: Actor) -> QuerySet[UsageWindow]:
    """Return the usage windows of the organization's own APIs."""
    return windows_of_provider(actor).filter(provider_organization_id=actor.organization_id)


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

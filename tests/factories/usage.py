"""Usage events as the shipper and providers send them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.core import clock
from apps.core.actors import Actor, ActorKind
from apps.core.ids import uuid7
from apps.subscriptions.models import Subscription
from apps.usage.enums import AnalyticsSide
from apps.usage.models import UsageHour, UsageWindow
from apps.usage.rollups.days import SideDay, add_up_days
from apps.usage.sketch import Sketch

PLATFORM = Actor(
    kind=ActorKind.SERVICE_TOKEN, label="shipper", permissions=frozenset({"usage.write"})
)


def provider_of(subscription: Subscription) -> Actor:
    """Return the service token of the organization whose API is subscribed to."""
    return Actor(
        kind=ActorKind.SERVICE_TOKEN,
        label="meter",
        organization_id=subscription.provider_organization_id,
        permissions=frozenset({"usage.write"}),
    )


def make_event(
    subscription: Subscription, *, occurred_at: datetime | None = None, **fields: Any
) -> dict[str, Any]:
    """Return one event as JSON-ready data: a completed call answered 200 unless told otherwise."""
    return {
        "id": str(uuid7()),
        "source": "gateway",
        "occurred_at": (occurred_at or clock.now()).isoformat(),
        "request_id": str(uuid7()),
        "key_id": None,
        "subscription_id": subscription.public_id,
        "api_id": subscription.api.public_id,
        "method": "GET",
        "path": "/v1/cities",
        "status": 200,
        "latency_ms": 12.5,
        "upstream_latency_ms": 10.0,
        "request_bytes": 0,
        "response_bytes": 320,
        "outcome": "completed",
        "properties": {},
        **fields,
    }


def roll_up_windows() -> None:
    """Add up windows that were inserted without calls, as if each were one endpoint's calls of its first hour."""
    rows = [
        UsageHour(
            slot_start=window.window_start,
            consumer_organization_id=window.consumer_organization_id,
            provider_organization_id=window.provider_organization_id,
            subscription_id=window.subscription_id,
            api_id=window.api_id,
            plan_id=window.subscription.plan_id,
            status=200,
            calls=window.event_count,
            billable=int(window.quantity),
            timed=0,
            latency_sum_ms=0,
            request_bytes=0,
            response_bytes=0,
            latencies=Sketch(),
            rolled_at=clock.now(),
        )
        for window in UsageWindow.objects.select_related("subscription")
    ]
    UsageHour.objects.bulk_create(rows)
    add_up_days(
        {
            day
            for row in rows
            for day in (
                SideDay(
                    AnalyticsSide.CONSUMER, row.consumer_organization_id, row.slot_start.date()
                ),
                SideDay(
                    AnalyticsSide.PROVIDER, row.provider_organization_id, row.slot_start.date()
                ),
            )
        }
    )

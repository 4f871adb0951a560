"""Usage events as the shipper and providers send them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.core import clock
from apps.core.actors import Actor, ActorKind
from apps.core.ids import uuid7
from apps.subscriptions.models import Subscription

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

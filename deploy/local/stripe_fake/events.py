"""Events: what happened, in the shape of the SDK's API version, and to whom it is sent."""

from __future__ import annotations

import os
import time
from typing import Any

import stripe

from deploy.local.stripe_fake.calls import Call, Json
from deploy.local.stripe_fake.ids import new_id
from deploy.local.stripe_fake.shapes import render, shape

DEFAULT_ENDPOINT_ID = "we_environment"
URL_VARIABLE = "STRIPE_FAKE_WEBHOOK_URL"
SECRET_VARIABLE = "STRIPE_WEBHOOK_SECRET"  # noqa: S105 -- the name of a variable, not its value


def emit(call: Call, event_type: str, subject: Json, previous: Json | None = None) -> Json:
    """Record an event about an object and queue its deliveries.

    Args:
        call: The request that caused it.
        event_type: Such as `payment_intent.succeeded`.
        subject: The object as it is now; copied.
        previous: The fields an update changed, with their old values.
    """
    data: dict[str, Any] = {"object": render(subject)}
    if previous is not None:
        data["previous_attributes"] = render(previous)
    endpoints = subscribed_endpoints(call, event_type)
    event = shape(
        "event",
        id=new_id("evt"),
        api_version=stripe.api_version,
        data=data,
        pending_webhooks=len(endpoints),
        request={"id": call.request_id, "idempotency_key": call.idempotency_key},
        type=event_type,
    )
    call.store.save(event)
    for endpoint in endpoints:
        queue_delivery(call, event["id"], endpoint)
    call.events.append(event)
    return event


def subscribed_endpoints(call: Call, event_type: str) -> list[tuple[str, str]]:
    """Return (id, URL) of everyone who wants events of this type."""
    endpoints = [
        (endpoint["id"], endpoint["url"])
        for endpoint in call.store.newest_first("webhook_endpoint")
        if endpoint["status"] == "enabled"
        and not endpoint.get("deleted")
        and {"*", event_type} & set(endpoint["enabled_events"])
    ]
    if url := os.environ.get(URL_VARIABLE):
        endpoints.append((DEFAULT_ENDPOINT_ID, url))
    return endpoints


def queue_delivery(
    call: Call, event_id: str, endpoint: tuple[str, str], delay_s: float = 0
) -> None:
    """Store one delivery to an (id, URL), due now or later."""
    mode = call.store.setting("webhooks", {})
    due_at = time.time() + delay_s + mode.get("delay_ms", 0) / 1000
    for _ in range(1 + mode.get("duplicates", 0)):
        call.store.rows(
            "INSERT INTO delivery (event_id, endpoint_id, url, due_at) VALUES (?, ?, ?, ?)",
            event_id,
            *endpoint,
            due_at,
        )


def changed_fields(before: Json, after: Json) -> Json:
    """Return the old values of the fields that differ."""
    return {name: value for name, value in before.items() if after.get(name) != value}

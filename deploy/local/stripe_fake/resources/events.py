"""/v1/events."""

from __future__ import annotations

from fnmatch import fnmatchcase

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.listing import page, was_created_within

URL = "/v1/events"


@operation("GET", f"{URL}/{{id}}", "EventRetrieveParams")
def retrieve_event(call: Call) -> Json:
    """Return an event as it was sent."""
    return call.fetch("event")


@operation("GET", URL, "EventListParams")
def list_events(call: Call) -> Json:
    """List events, newest first; `type` may end in `*`."""
    wanted = call.params.get("types") or [call.params.get("type", "*")]
    matching = [
        event
        for event in call.store.newest_first("event")
        if any(fnmatchcase(event["type"], pattern) for pattern in wanted)
        and was_created_within(event["created"], call.params.get("created"))
    ]
    return page(call, matching, URL)

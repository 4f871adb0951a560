"""Events of other makes of gateway: their names for fields, an event a line, and keys that are never stored."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.core.ids import uuid7
from apps.core.models import DeadLetter
from apps.usage.ingestion import accept_batch
from apps.usage.models import RejectedEvent, UsageBatch, UsageEvent
from apps.usage.packing import unpack
from apps.usage.processing import process_next_batch
from tests.factories.direct import make_subscription_row
from tests.factories.keys import make_key
from tests.factories.usage import PLATFORM, make_event, provider_of

pytestmark = pytest.mark.django_db

UNKNOWN_KEY = "tgk_live_" + "A" * 32 + "_000000"


def foreign_event(subscription_key: str, **fields: Any) -> dict[str, Any]:
    """Return an event under the names that other gateways use."""
    return {
        "id": str(uuid7()),
        "subscription_key": subscription_key,
        "timestamp": clock.now().isoformat(),
        "method": "GET",
        "api_path": "/v1/cities",
        "status_code": 200,
        "success": True,
        "response_time_ms": 31.0,
        "request_size": 10,
        "response_size": 320,
        **fields,
    }


def send(actor: Any, *events: Any) -> Any:
    body = json.dumps({"events": events}).encode()
    return accept_batch(body=body, batch_key="", actor=actor)


def all_that_is_stored() -> str:
    bodies = [unpack(bytes(batch.body)).decode() for batch in UsageBatch.objects.all()]
    rejected = RejectedEvent.objects.values_list("payload", "reason")
    letters = DeadLetter.objects.values_list("payload", "reason")
    return json.dumps([bodies, list(rejected), list(letters)])


@pytest.mark.parametrize("named_by", ["key", "key id", "subscription id"])
def test_ten_events_under_other_names_are_stored_and_counted(named_by: str) -> None:
    issued = make_key()
    key, subscription = issued.key, issued.key.subscription
    names = {
        "key": issued.secret,
        "key id": key.public_id,
        "subscription id": subscription.public_id,
    }
    events = [foreign_event(names[named_by]) for _number in range(10)]

    receipt = send(provider_of(subscription), *events)
    assert process_next_batch()

    assert (receipt.accepted, receipt.rejections) == (10, ())
    rows = UsageEvent.objects.all()
    assert len(rows) == 10
    assert {row.key_id for row in rows} == {None if named_by == "subscription id" else key.pk}
    row = rows[0]
    assert (row.subscription_id, row.status, row.latency_ms) == (subscription.pk, 200, 31)
    assert (row.path, row.request_bytes, row.response_bytes) == ("/v1/cities", 10, 320)
    assert row.source == "provider"


def test_key_is_stored_nowhere_whether_it_is_known_or_not() -> None:
    issued = make_key()
    events = [
        foreign_event(issued.secret),
        foreign_event(issued.secret, status_code="ok"),
        foreign_event(UNKNOWN_KEY),
        foreign_event("whatever else it is"),
        # Beside our own names, too.
        {**make_event(issued.key.subscription, source="p"), "subscription_key": issued.secret},
        {**make_event(issued.key.subscription, source="p"), "note": issued.secret},
    ]

    own = send(provider_of(issued.key.subscription), *events)
    gateways = send(PLATFORM, *events[1:4])

    assert [item.code for item in own.rejections] == ["wrong_type", "unknown_key", "unknown_key"]
    assert (own.accepted, gateways.accepted, gateways.rejections) == (3, 0, ())
    assert DeadLetter.objects.count() == 3
    stored = all_that_is_stored()
    for secret in (issued.secret, UNKNOWN_KEY, "whatever else it is"):
        assert secret not in stored


def test_rejections_use_the_names_that_were_sent() -> None:
    subscription = make_subscription_row()
    name = subscription.public_id
    nameless = foreign_event(name)
    del nameless["subscription_key"]
    old = (clock.now() - timedelta(days=36)).isoformat()

    receipt = send(
        provider_of(subscription),
        foreign_event(name, timestamp=old),
        foreign_event(name, response_time_ms="fast"),
        foreign_event(name, response_size=-1),
        foreign_event(name, occurred_at=clock.now().isoformat()),
        foreign_event(name, subscription_id="sub_of_somebody_else"),
        nameless,
        {**make_event(subscription, source="p", status=None)},
        7,
    )

    assert [(item.code, item.field) for item in receipt.rejections] == [
        ("too_old", "timestamp"),
        ("wrong_type", "response_time_ms"),
        ("invalid_value", "response_size"),
        ("ambiguous_field", "timestamp"),
        ("ambiguous_field", "subscription_key"),
        ("missing_field", "subscription_id"),
        ("missing_field", "status"),
        ("wrong_type", ""),
    ]
    assert "response_time_ms" in receipt.rejections[1].reason


def test_how_old_an_event_may_be_is_a_setting(settings: Any) -> None:
    subscription = make_subscription_row()
    settings.USAGE_ACCEPTED_PAST_DAYS = 2
    event = make_event(subscription, source="p", occurred_at=clock.now() - timedelta(days=3))

    (rejection,) = send(provider_of(subscription), event).rejections

    assert (rejection.code, rejection.reason) == ("too_old", "The time is more than 2 days ago")


@pytest.mark.parametrize("is_packed", [False, True])
def test_an_event_a_line_is_taken_line_by_line(api_client: Any, *, is_packed: bool) -> None:
    subscription = make_subscription_row()
    events = [make_event(subscription, source="p") for _number in range(3)]
    lines = [json.dumps(event).encode() for event in events]
    body = b"\r\n".join([lines[0], b"", lines[1], b'{"id": ', lines[2], b""])

    response = api_client(provider_of(subscription)).post(
        "/api/v1/usage/events",
        data=gzip.compress(body) if is_packed else body,
        content_type="application/x-ndjson; charset=utf-8",
        headers={"Content-Encoding": "gzip"} if is_packed else {},
    )
    assert process_next_batch()

    assert response.status_code == 202, response.content
    assert response.json()["accepted"] == 3
    (rejected,) = response.json()["rejected"]
    assert (rejected["index"], rejected["code"]) == (2, "invalid_json")
    stored = {str(event_id) for event_id in UsageEvent.objects.values_list("event_id", flat=True)}
    assert stored == {event["id"] for event in events}


@pytest.mark.parametrize("is_whole", [True, False])
def test_lines_that_only_fit_together_are_no_events(*, is_whole: bool) -> None:
    subscription = make_subscription_row()
    one = json.dumps(make_event(subscription)).encode()
    tricks = [one] if is_whole else [one + b"]", b'"x": [' + one]

    receipt = accept_batch(
        body=b"\n".join([one, *tricks]), batch_key="", actor=PLATFORM, is_lines=True
    )

    assert receipt.accepted == (2 if is_whole else 1)
    assert DeadLetter.objects.count() == (0 if is_whole else 2)


def test_provider_that_names_what_is_not_its_own_finds_it_among_its_rejections() -> None:
    subscription, other = make_subscription_row(), make_subscription_row()
    own: dict[str, Any] = {"source": "p"}
    foreign_key = make_key().key.public_id
    events = [
        make_event(subscription, **own),
        make_event(subscription, status="ok", **own),
        make_event(other, **own),
        make_event(subscription, subscription_id="sub_" + "0" * 26, **own),
        make_event(subscription, key_id=foreign_key, **own),
        make_event(subscription, **own),
    ]

    receipt = send(provider_of(subscription), *events)
    assert process_next_batch()

    assert receipt.accepted == 5
    rows = RejectedEvent.objects.order_by("position")
    assert [(row.position, row.code, row.event_id) for row in rows] == [
        (1, "wrong_type", events[1]["id"]),
        (2, "not_yours", events[2]["id"]),
        (3, "unknown_subscription", events[3]["id"]),
        (4, "unknown_key", events[4]["id"]),
    ]
    assert {row.organization_id for row in rows} == {subscription.provider_organization_id}
    assert UsageEvent.objects.count() == 2
    assert not DeadLetter.objects.exists()
    outcome = UsageBatch.objects.get().outcome
    assert (outcome["counted"], outcome["rejected"]) == (2, 3)

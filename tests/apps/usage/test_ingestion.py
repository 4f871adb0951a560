"""Intake stores a batch durably, answers at once, and tells why an event was refused."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.core import clock
from apps.core.exceptions import InvalidInput, Unavailable
from apps.core.models import DeadLetter
from apps.usage import ingestion
from apps.usage.ingestion import accept_batch
from apps.usage.models import RejectedEvent, ShipperState, UsageBatch
from apps.usage.packing import read_body, unpack
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event, provider_of

pytestmark = pytest.mark.django_db


def as_body(events: list[Any], **envelope: Any) -> bytes:
    return json.dumps({"events": events, **envelope}).encode()


def test_batch_is_stored_as_one_row() -> None:
    subscription = make_subscription_row()
    events = [make_event(subscription) for _number in range(10)]

    receipt = accept_batch(body=as_body(events), batch_key="file:0-900", actor=PLATFORM)

    batch = UsageBatch.objects.get()
    assert (receipt.accepted, receipt.batch_id) == (10, batch.public_id)
    assert batch.event_count == 10
    assert json.loads(unpack(bytes(batch.body)))["events"] == events


def test_same_batch_key_is_stored_once() -> None:
    body = as_body([make_event(make_subscription_row())])

    first = accept_batch(body=body, batch_key="k", actor=PLATFORM)
    second = accept_batch(body=body, batch_key="k", actor=PLATFORM)

    assert second.batch_id == first.batch_id
    assert (first.is_replay, second.is_replay) == (False, True)
    assert UsageBatch.objects.count() == 1


def test_rejections_name_index_code_and_reason_and_the_rest_is_kept() -> None:
    subscription = make_subscription_row()
    own: dict[str, Any] = {"source": "provider"}
    no_status = make_event(subscription, **own)
    del no_status["status"]
    events = [
        make_event(subscription, **own),
        no_status,
        make_event(subscription, status="ok", **own),
        make_event(subscription, occurred_at=clock.now() + timedelta(minutes=6), **own),
        make_event(subscription, occurred_at=clock.now() - timedelta(days=36), **own),
        make_event(subscription),
    ]

    receipt = accept_batch(body=as_body(events), batch_key="", actor=provider_of(subscription))

    assert receipt.accepted == 1
    assert [(item.index, item.code) for item in receipt.rejections] == [
        (1, "missing_field"),
        (2, "wrong_type"),
        (3, "in_future"),
        (4, "too_old"),
        (5, "reserved_source"),
    ]
    assert "status" in receipt.rejections[0].reason
    assert UsageBatch.objects.get().rejections[0]["reason"] == receipt.rejections[0].reason
    kept = RejectedEvent.objects.order_by("position")
    assert [row.position for row in kept] == [1, 2, 3, 4, 5]
    assert (kept[1].field, kept[1].event_id) == ("status", events[2]["id"])
    assert json.loads(kept[1].payload) == events[2]


def test_unreadable_gateway_call_becomes_a_dead_letter_not_a_rejection() -> None:
    event = make_event(make_subscription_row())
    del event["subscription_id"]

    receipt = accept_batch(body=as_body([event]), batch_key="k", actor=PLATFORM)

    assert (receipt.accepted, receipt.rejections) == (0, ())
    letter = DeadLetter.objects.get()
    assert "subscription_id" in letter.reason
    assert event["id"] in letter.payload["raw"]


def test_old_gateway_call_is_accepted() -> None:
    event = make_event(make_subscription_row(), occurred_at=clock.now() - timedelta(days=60))

    assert accept_batch(body=as_body([event]), batch_key="k", actor=PLATFORM).accepted == 1


def test_shipper_heartbeat_is_noted_without_a_batch() -> None:
    until = clock.now()
    report = {"node": "1", "oldest_unshipped_at": until.isoformat()}

    accept_batch(body=as_body([], shipper=report), batch_key="", actor=PLATFORM)

    assert ShipperState.objects.get().oldest_unshipped_at == until
    assert not UsageBatch.objects.exists()


def test_full_inbox_answers_503_with_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    body = as_body([make_event(make_subscription_row())])
    monkeypatch.setattr(ingestion, "MAX_PENDING_BATCHES", 1)
    accept_batch(body=body, batch_key="1", actor=PLATFORM)

    with pytest.raises(Unavailable) as refusal:
        accept_batch(body=body, batch_key="2", actor=PLATFORM)

    assert refusal.value.extra["retry_after_s"] == 5
    assert UsageBatch.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_body"),
        (b"[]", "invalid_body"),
        (b'{"events": {}}', "invalid_body"),
        (b'{"events": []}', "no_events"),
        (b'{"events": [' + b",".join([b"{}"] * 5001) + b"]}", "too_many_events"),
    ],
)
def test_broken_body_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        accept_batch(body=body, batch_key="", actor=PLATFORM)

    assert refusal.value.error_code == code
    assert not UsageBatch.objects.exists()


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (b"no gzip", "gzip", "invalid_gzip"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-12], "gzip", "invalid_gzip"),
        (b"{}", "br", "invalid_encoding"),
        (gzip.compress(b" " * (16 * 1024 * 1024 + 1), mtime=0), "gzip", "body_too_large"),
    ],
)
def test_broken_encoding_is_refused(body: bytes, encoding: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_body(body, encoding)

    assert refusal.value.error_code == code


def test_endpoint_takes_gzip_and_answers_202(api_client: Any) -> None:
    client: APIClient = api_client(PLATFORM)
    body = gzip.compress(as_body([make_event(make_subscription_row())]))

    response = client.post(
        "/api/v1/usage/events",
        data=body,
        content_type="application/json",
        headers={"Content-Encoding": "gzip", "Idempotency-Key": "b1"},
    )

    assert response.status_code == 202, response.content
    assert response.json()["accepted"] == 1
    found = client.get(f"/api/v1/usage/batches/{response.json()['batch_id']}").json()
    assert (found["status"], found["event_count"]) == ("pending", 1)


def test_batch_of_another_organization_is_not_found(api_client: Any) -> None:
    subscription = make_subscription_row()
    receipt = accept_batch(body=as_body([make_event(subscription)]), batch_key="", actor=PLATFORM)

    response = api_client(provider_of(subscription)).get(
        f"/api/v1/usage/batches/{receipt.batch_id}"
    )

    assert response.status_code == 404

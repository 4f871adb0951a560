"""A sender reads what became of each event, of its batches, and of what was rejected."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock, relay
from apps.core.models import DeadLetter
from apps.notifications.models import Notification
from apps.usage.ingestion import accept_batch
from apps.usage.models import RejectedEvent, UsageBatch
from apps.usage.processing import process_next_batch
from apps.usage.services import forget_rejections
from tests.factories.accounts import make_member, make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event, provider_of

pytestmark = pytest.mark.django_db

BATCHES = "/api/v1/usage/batches"
REJECTIONS = "/api/v1/usage/rejections"


def send(actor: Any, *events: Any) -> str:
    body = json.dumps({"events": events}).encode()
    return accept_batch(body=body, batch_key="", actor=actor).batch_id


def outcomes(client: Any, batch_id: str, **query: Any) -> list[tuple[int, str]]:
    page = client.get(f"{BATCHES}/{batch_id}/events", query).json()
    return [(item["index"], item["outcome"]) for item in page["data"]]


def test_each_event_has_its_outcome(api_client: Any) -> None:
    subscription = make_subscription_row()
    provider = provider_of(subscription)
    client = api_client(provider)
    own: dict[str, Any] = {"source": "p"}
    known = make_event(subscription, **own)
    send(provider, known)
    assert process_next_batch()
    first, second = make_event(subscription, **own), make_event(subscription, **own)
    unstorable = make_event(subscription, properties={"note": "\0"}, **own)

    batch_id = send(
        provider,
        first,
        make_event(subscription, status="ok", **own),
        known,
        {**known, "status": 404},
        first,
        make_event(subscription, subscription_id="sub_" + "0" * 26, **own),
        {**first, "status": 500},
        unstorable,
        second,
    )
    waiting = outcomes(client, batch_id)
    for _attempt in range(4):
        UsageBatch.objects.update(available_at=clock.now())
        process_next_batch()

    assert waiting[:3] == [(0, "waiting"), (1, "rejected"), (2, "waiting")]
    assert outcomes(client, batch_id) == [
        (0, "stored"),
        (1, "rejected"),
        (2, "duplicate"),
        # Which of the two with this id came first in the batch decides.
        (3, "conflict"),
        (4, "duplicate"),
        (5, "rejected"),
        (6, "conflict"),
        (7, "dead_letter"),
        (8, "stored"),
    ]
    (dead,) = client.get(f"{BATCHES}/{batch_id}/events?outcome=dead_letter").json()["data"]
    assert "The operator has it" in dead["reason"]
    assert outcomes(client, batch_id, outcome="rejected") == [(1, "rejected"), (5, "rejected")]
    assert outcomes(client, batch_id, after=6)[0] == (7, "dead_letter")
    row = client.get(f"{BATCHES}/{batch_id}").json()
    assert (row["status"], row["attempts"], row["next_try_at"]) == ("processed", 4, None)
    assert row["lag_s"] >= 0


def test_batch_that_failed_twice_took_three_attempts(api_client: Any) -> None:
    subscription = make_subscription_row()
    batch_id = send(PLATFORM, make_event(subscription, properties={"note": "\0"}))
    batch = UsageBatch.objects.get()
    waits = []
    for _attempt in range(2):
        before = clock.now()
        process_next_batch()
        batch.refresh_from_db()
        waits.append((batch.available_at - before).total_seconds())
        shown = api_client(PLATFORM).get(f"{BATCHES}/{batch_id}").json()
        UsageBatch.objects.update(available_at=clock.now())
    # What was wrong is put right.
    good = make_event(subscription)
    other = send(PLATFORM, good)
    body = UsageBatch.objects.exclude(pk=batch.pk).get().body
    UsageBatch.objects.exclude(pk=batch.pk).delete()
    UsageBatch.objects.filter(pk=batch.pk).update(body=body)

    assert process_next_batch()

    batch.refresh_from_db()
    assert (batch.status, batch.attempts) == ("processed", 3)
    assert 1.7 < waits[1] / waits[0] < 2.6
    assert shown["next_try_at"] is not None
    assert other != batch_id


def test_conflict_is_kept_with_both_hashes_and_told_to_those_who_can_mend_it() -> None:
    subscription = make_subscription_row()
    owner = make_member("owner", organization=subscription.provider_organization).user
    make_member("viewer", organization=subscription.provider_organization)
    operator = make_staff("operator")
    event = make_event(subscription, source="p")
    send(provider_of(subscription), event)
    batch_id = send(provider_of(subscription), {**event, "status": 404})
    while process_next_batch():
        pass

    relay.drain()
    relay.drain()

    letter = DeadLetter.objects.get(source="usage.conflict")
    assert letter.organization_id == subscription.provider_organization_id
    assert json.loads(letter.payload["raw"])["status"] == 404
    assert letter.payload["body_hash"] != letter.payload["first_body_hash"]
    told = Notification.objects.filter(kind="usage.event_conflict")
    assert {row.user_id for row in told} == {owner.pk, operator.pk}
    assert batch_id in told.get(user=owner).url


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("page", [(BATCHES, 1), (REJECTIONS, 1)])
def test_lists_take_the_same_queries_for_any_number(
    api_client: Any, django_assert_num_queries: Any, count: int, page: tuple[str, int]
) -> None:
    subscription = make_subscription_row()
    for _number in range(count):
        send(provider_of(subscription), make_event(subscription))
    client = api_client(provider_of(subscription))

    with django_assert_num_queries(page[1]):
        rows = client.get(page[0]).json()["data"]

    assert len(rows) == count


def test_sender_reads_its_own_batches_and_rejections_only(api_client: Any) -> None:
    subscription, other = make_subscription_row(), make_subscription_row()
    sent = make_event(subscription, source="gateway")
    batch_id = send(provider_of(subscription), sent)
    send(provider_of(other), make_event(other), make_event(other, source="p"))
    client = api_client(provider_of(subscription))

    (rejected,) = client.get(REJECTIONS).json()["data"]
    (batch,) = client.get(f"{BATCHES}?status=pending").json()["data"]

    assert (rejected["batch_id"], rejected["event_id"]) == (batch_id, sent["id"])
    assert (rejected["index"], rejected["code"]) == (0, "reserved_source")
    assert json.loads(rejected["payload"]) == sent
    assert batch["id"] == batch_id
    assert client.get(f"{REJECTIONS}?code=too_old").json()["data"] == []
    stranger = api_client(provider_of(other))
    assert stranger.get(f"{BATCHES}/{batch_id}/events").status_code == 404
    assert stranger.get(f"{REJECTIONS}?batch_id={batch_id}").json()["data"] == []
    assert len(api_client(PLATFORM).get(BATCHES).json()["data"]) == 2
    for wrong in (
        f"{BATCHES}?status=x",
        f"{REJECTIONS}?code=x",
        f"{BATCHES}/{batch_id}/events?after=x",
    ):
        assert client.get(wrong).status_code == 400


def test_rejections_are_forgotten_when_they_could_not_be_sent_again() -> None:
    subscription = make_subscription_row()
    batch_id = send(provider_of(subscription), make_event(subscription))
    RejectedEvent.objects.update(created_at=clock.now() - timedelta(days=34))
    assert forget_rejections() == 0

    RejectedEvent.objects.update(created_at=clock.now() - timedelta(days=36))

    assert forget_rejections() == 1
    assert UsageBatch.objects.get().public_id == batch_id

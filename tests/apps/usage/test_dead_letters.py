"""An event that always fails ends as a dead letter; an operator mends it over REST, and it is counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.core import clock
from apps.core.ids import uuid7
from apps.core.models import AuditEvent, DeadLetter, JobRun
from apps.usage.ingestion import accept_batch
from apps.usage.models import UsageBatch, UsageEvent
from apps.usage.processing import process_next_batch
from marketplace.celery import app as celery_app
from tests.clients import api_client
from tests.factories.accounts import make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event, provider_of

pytestmark = pytest.mark.django_db

LETTERS = "/api/v1/admin/events/dead-letters"


@pytest.fixture
def operator() -> Any:
    return api_client(make_staff("operator"))


@pytest.fixture
def eager_tasks() -> Iterator[None]:
    celery_app.conf.update(task_always_eager=True)
    yield
    celery_app.conf.update(task_always_eager=False)


def send(*events: Any, actor: Any = PLATFORM) -> UsageBatch:
    body = json.dumps({"events": events}).encode()
    accept_batch(body=body, batch_key="", actor=actor)
    return UsageBatch.objects.order_by("-id")[0]


def process_everything() -> None:
    """Process until nothing waits, as if each wait were over."""
    for _attempt in range(20):
        UsageBatch.objects.filter(status="pending").update(available_at=clock.now())
        if not process_next_batch():
            return


def post(client: Any, path: str, **data: Any) -> Any:
    return client.post(f"{LETTERS}{path}", data, format="json")


def test_event_that_always_fails_is_mended_and_counted(operator: Any) -> None:
    subscription = make_subscription_row()
    bad = make_event(subscription, properties={"note": "\0"})
    send(bad, make_event(subscription))
    process_everything()
    assert UsageEvent.objects.count() == 1
    (letter,) = operator.get(f"{LETTERS}?source=usage.event&state=open").json()["data"]
    shown = operator.get(f"{LETTERS}/{letter['id']}").json()
    before = operator.get("/api/v1/admin/events/stats").json()

    mended = {**bad, "properties": {"note": "clean"}}
    answer = post(operator, f"/{letter['id']}/retry", reason="NUL removed", payload=mended)
    process_everything()

    assert (letter["reference"], letter["attempts"]) == (bad["id"], 4)
    assert (shown["can_retry"], shown["can_edit"]) == (True, True)
    assert json.loads(shown["payload"]["raw"])["id"] == bad["id"]
    assert answer.status_code == 200, answer.content
    assert answer.json()["state"] == "retried"
    # The original is kept beside what was made of it.
    assert answer.json()["payload"] == shown["payload"]
    assert json.loads(answer.json()["edited_payload"]["raw"]) == mended
    assert UsageEvent.objects.get(event_id=bad["id"]).properties == {"note": "clean"}
    after = operator.get("/api/v1/admin/events/stats").json()
    counts = [stats["dead_letters"] for stats in (before, after)]
    assert counts == [
        [{"source": "usage.event", "open": 1, "retried": 0, "discarded": 0}],
        [{"source": "usage.event", "open": 0, "retried": 1, "discarded": 0}],
    ]
    audit = AuditEvent.objects.get(action="core:dead_letter:retried")
    assert (audit.reason, audit.after) == ("NUL removed", {"edited": True})


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"raw": "{"}, "not valid JSON"),
        ({"id": "x"}, "subscription_id"),
        (7, "object"),
        (None, "Unknown"),
    ],
)
def test_payload_that_intake_would_not_take_is_refused_and_changes_nothing(
    operator: Any, payload: Any, words: str
) -> None:
    event = make_event(make_subscription_row())
    del event["subscription_id"]
    send(event)
    letter = DeadLetter.objects.get()
    data = {} if payload is None else {"payload": payload}

    answer = post(operator, f"/{letter.public_id}/retry", reason="try", **data)

    assert answer.status_code in {400, 409, 422}
    assert words in answer.text or payload is None
    letter.refresh_from_db()
    assert (letter.state, letter.edited_payload) == ("open", None)
    assert UsageBatch.objects.count() == 1


def test_providers_event_stays_bound_to_the_providers_own_apis(operator: Any) -> None:
    subscription, other = make_subscription_row(), make_subscription_row()
    event = make_event(subscription, source="p", properties={"note": "\0"})
    send(event, actor=provider_of(subscription))
    process_everything()
    letter = DeadLetter.objects.get()

    foreign = {**event, "subscription_id": other.public_id, "properties": {}}
    post(operator, f"/{letter.public_id}/retry", reason="try", payload=foreign)
    process_everything()

    assert letter.organization_id == subscription.provider_organization_id
    assert not UsageEvent.objects.exists()


def test_conflicting_event_needs_an_id_of_its_own(operator: Any) -> None:
    event = make_event(make_subscription_row())
    send(event)
    other = {**event, "status": 404}
    send(other)
    process_everything()
    letter = DeadLetter.objects.get(source="usage.conflict")

    refused = post(operator, f"/{letter.public_id}/retry", reason="again")
    taken = post(
        operator,
        f"/{letter.public_id}/retry",
        reason="own id",
        payload={**other, "id": str(uuid7())},
    )
    process_everything()

    assert "id of its own" in refused.text
    assert taken.status_code == 200, taken.content
    assert sorted(UsageEvent.objects.values_list("status", flat=True)) == [200, 404]


def test_all_letters_of_a_source_are_retried_by_a_job_with_progress(
    operator: Any, eager_tasks: None, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    subscription = make_subscription_row()
    missing = make_event(subscription, subscription_id="sub_" + "0" * 26)
    unreadable = make_event(subscription)
    del unreadable["status"]
    send(missing, unreadable)
    process_everything()
    DeadLetter.objects.create(source="nobody", reference="1", payload={}, reason="x")

    with django_capture_on_commit_callbacks(execute=True):
        answer = post(operator, "/retry", source="usage.event", reason="the API is back")

    assert answer.status_code == 202, answer.content
    run = JobRun.objects.get()
    # What still cannot be read stays; what could not be placed is tried once more.
    assert (run.status, run.result) == ("succeeded", {"retried": 1, "refused": 1})
    assert (run.progress_done, run.progress_total) == (2, 2)
    states = DeadLetter.objects.values_list("source", "resolution")
    assert sorted(states) == [("nobody", ""), ("usage.event", ""), ("usage.event", "retried")]
    audit = AuditEvent.objects.get(action="core:dead_letter:retried")
    assert audit.actor_user_id is not None
    assert post(operator, "/retry", source="nobody", reason="x").status_code != 202


def test_letter_is_discarded_with_a_reason_once(operator: Any) -> None:
    letter = DeadLetter.objects.create(source="nobody", reference="1", payload={}, reason="x")

    nameless = post(operator, f"/{letter.public_id}/discard")
    first = post(operator, f"/{letter.public_id}/discard", reason="obsolete")
    second = post(operator, f"/{letter.public_id}/discard", reason="obsolete")

    assert (nameless.status_code, first.status_code, second.status_code) == (400, 200, 409)
    assert first.json()["state"] == "discarded"
    assert operator.get(f"{LETTERS}?state=discarded").json()["data"][0]["reference"] == "1"
    assert operator.get(f"{LETTERS}?state=x").status_code == 400
    assert operator.get(f"{LETTERS}/dlq_x").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_queries_for_any_number(
    operator: Any, django_assert_num_queries: Any, count: int
) -> None:
    for number in range(count):
        DeadLetter.objects.create(source="s", reference=str(number), payload={}, reason="x")

    with django_assert_num_queries(1):
        assert len(operator.get(LETTERS).json()["data"]) == count

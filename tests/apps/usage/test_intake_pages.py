"""Pages of intake: a provider's own batches and rejections, and the operator's page of events."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.core import clock
from apps.core.metrics import render_metrics
from apps.core.models import DeadLetter
from apps.subscriptions.models import Subscription
from apps.usage.ingestion import accept_batch
from apps.usage.models import UsageBatch
from apps.usage.processing import process_next_batch
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event, provider_of

pytestmark = pytest.mark.django_db

INTAKE = "/console/provider/intake/"
EVENTS = "/backoffice/usage/usagebatch/overview/"


@pytest.fixture
def provider() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(provider: Membership) -> Subscription:
    return make_subscription_row(provider=provider.organization)


def send(actor: Any, *events: Any) -> str:
    body = json.dumps({"events": events}).encode()
    return accept_batch(body=body, batch_key="", actor=actor).batch_id


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_empty_page_teaches_how_to_send(provider: Membership) -> None:
    text = text_of(client_for(provider).get(INTAKE))

    assert "You have sent no events yet" in text
    assert "/api/v1/usage/events" in text
    assert "application/x-ndjson" in text


def test_pages_lead_from_the_answer_to_each_event(
    provider: Membership, subscription: Subscription
) -> None:
    good = make_event(subscription, source="p")
    bad = make_event(subscription, source="p", status="ok")
    batch_id = send(provider_of(subscription), good, bad)
    process_next_batch()
    browser = client_for(provider)

    home = text_of(browser.get(INTAKE))
    batch = text_of(browser.get(f"{INTAKE}{batch_id}/"))
    only = text_of(browser.get(f"{INTAKE}{batch_id}/?outcome=rejected"))
    rejections = text_of(browser.get(f"{INTAKE}rejections/?code=wrong_type"))

    assert "1 event taken" in home
    assert "1 event rejected" in home
    assert f"{INTAKE}{batch_id}/" in home
    assert good["id"] in batch
    assert "wrong_type" in batch
    assert good["id"] not in only
    assert bad["id"] in rejections
    assert "No rejected events here" in text_of(browser.get(f"{INTAKE}rejections/?event=x"))
    stranger = client_for(make_member("owner"))
    assert stranger.get(f"{INTAKE}{batch_id}/").status_code == 404
    assert bad["id"] not in text_of(stranger.get(f"{INTAKE}rejections/"))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("page", [("", 10), ("rejections/", 7)])
def test_takes_the_same_queries_for_any_number(
    provider: Membership,
    subscription: Subscription,
    page: tuple[str, int],
    count: int,
    django_assert_num_queries: Any,
) -> None:
    for _number in range(count):
        send(provider_of(subscription), make_event(subscription))
    browser = client_for(provider)
    browser.get(INTAKE)

    with django_assert_num_queries(page[1]):
        assert browser.get(f"{INTAKE}{page[0]}").status_code == 200


def test_operator_sees_backlog_lag_and_failures() -> None:
    subscription = make_subscription_row()
    browser = client_for(make_staff("operator"))
    calm = text_of(browser.get(EVENTS))
    send(PLATFORM, make_event(subscription), make_event(subscription))
    UsageBatch.objects.update(created_at=clock.now() - timedelta(minutes=5))
    late = text_of(browser.get(EVENTS))
    UsageBatch.objects.update(status="failed", attempts=8, last_error="Out of cheese.")
    failed = text_of(browser.get(EVENTS))

    assert "Events are counted in time." in calm
    assert "waiting for more than a minute" in late
    assert "Batches failed." in failed
    assert "Out of cheese." in failed
    assert client_for(make_staff("finance")).get(EVENTS).status_code == 403
    metrics = render_metrics().decode()
    assert 'tollgate_usage_batches{status="failed"} 1.0' in metrics
    assert "tollgate_usage_inbox_oldest_seconds 0.0" in metrics
    assert "tollgate_usage_events_last_hour 2.0" in metrics
    assert "tollgate_usage_conflicts 0.0" in metrics


def test_operator_mends_a_letter_in_the_back_office() -> None:
    event = make_event(make_subscription_row())
    whole = json.dumps(event)
    del event["status"]
    send(PLATFORM, event)
    letter = DeadLetter.objects.get()
    browser = client_for(make_staff("operator"))
    page = f"/backoffice/core/deadletter/{letter.pk}/"
    resolve = f"{page[:-1]}/resolve/"

    shown = text_of(browser.get(f"{page}change/"))
    unsaid = browser.post(resolve, {"action": "retry", "payload": whole}, follow=True)
    still = browser.post(
        resolve, {"action": "retry", "payload": json.dumps(event), "reason": "x"}, follow=True
    )
    done = browser.post(
        resolve, {"action": "retry", "payload": whole, "reason": "status added"}, follow=True
    )

    assert event["id"] in shown
    assert "Reason" in text_of(unsaid)
    assert "status" in text_of(still)
    assert "The work waits again." in text_of(done)
    letter.refresh_from_db()
    assert (letter.state, letter.resolution_note) == ("retried", "status added")
    assert UsageBatch.objects.count() == 2
    assert client_for(make_staff("finance")).post(resolve).status_code == 403
    assert "Retry all" in text_of(browser.get("/backoffice/core/deadletter/"))

"""What keeps deliveries going: the wake-up, the sweep, other apps' events, and forgetting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from apps.core import clock
from apps.core.events import publish
from apps.core.models import JobRun
from apps.core.schedule import declared_schedule
from apps.keys.events import KeyRevoked
from apps.notifications.models import WebhookAttempt, WebhookDelivery, WebhookEvent
from apps.notifications.services.delivering import deliver_due
from apps.notifications.services.publishing import DELIVER_JOB
from apps.notifications.services.retention import forget_old_deliveries
from apps.notifications.tasks import deliver_webhooks
from apps.notifications.webhooks import publish_webhook
from tests.apps.notifications.conftest import Receiver
from tests.factories.keys import make_key
from tests.factories.notifications import WebhookEndpointFactory, make_delivery

pytestmark = pytest.mark.django_db

CaptureOnCommit = Callable[..., Any]


def publish_test(endpoint: Any, key: str) -> None:
    with transaction.atomic():
        publish_webhook(
            organization=endpoint.organization, event_type="webhook.test", data={}, dedupe_key=key
        )


def test_commit_wakes_one_worker_for_many_messages(
    django_capture_on_commit_callbacks: CaptureOnCommit,
) -> None:
    endpoint = WebhookEndpointFactory()
    with django_capture_on_commit_callbacks(execute=True):
        publish_test(endpoint, "one")
        publish_test(endpoint, "two")

    assert JobRun.objects.filter(name=DELIVER_JOB).count() == 1


def test_job_delivers_and_the_schedule_sweeps(receiver: Receiver) -> None:
    make_delivery(WebhookEndpointFactory(url=f"{receiver.url}/in"))

    deliver_webhooks.apply()

    assert JobRun.objects.get(name=DELIVER_JOB).result == {"succeeded": 1, "failed": 0}
    assert declared_schedule()[DELIVER_JOB].every == timedelta(seconds=15)


@pytest.mark.django_db(transaction=True)
def test_slow_endpoint_holds_up_nobody_else(receiver: Receiver) -> None:
    release = threading.Event()
    receiver.held["/slow"] = release
    slow = WebhookEndpointFactory(url=f"{receiver.url}/slow")
    for _ in range(3):
        make_delivery(slow)

    def work() -> None:
        deliver_due()
        connection.close()

    busy = threading.Thread(target=work)
    busy.start()
    while len(receiver.requests) < 2:  # both slots of the slow endpoint are taken
        assert busy.is_alive()
    make_delivery(WebhookEndpointFactory(url=f"{receiver.url}/quick"))
    assert deliver_due() == {"succeeded": 1, "failed": 0}
    assert [request.path for request in receiver.requests].count("/slow") == 2
    release.set()
    busy.join(timeout=20)

    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"succeeded"}
    assert [request.path for request in receiver.requests].count("/slow") == 3


@pytest.mark.django_db(transaction=True)
def test_many_workers_make_each_delivery_once(receiver: Receiver) -> None:
    for number in range(3):
        endpoint = WebhookEndpointFactory(url=f"{receiver.url}/{number}")
        for _ in range(4):
            make_delivery(endpoint)

    def work() -> None:
        deliver_due()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    deliver_due()

    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert (len(ids), len(set(ids))) == (12, 12)
    assert WebhookAttempt.objects.count() == 12


def test_old_deliveries_and_events_are_forgotten_but_not_open_ones() -> None:
    endpoint = WebhookEndpointFactory()
    long_ago = {"created_at": clock.now() - timedelta(days=31)}
    ended = {"status": "succeeded", "next_attempt_at": None}
    make_delivery(endpoint, event__created_at=long_ago["created_at"], **long_ago, **ended)
    kept = [make_delivery(endpoint, **long_ago), make_delivery(endpoint, **ended)]

    assert forget_old_deliveries() == {"deliveries": 1, "events": 1}
    assert {row.pk for row in WebhookDelivery.objects.all()} == {row.pk for row in kept}
    assert WebhookEvent.objects.count() == 2


def test_key_that_is_revoked_is_told_without_the_key() -> None:
    key = make_key().key
    WebhookEndpointFactory(organization=key.organization, event_types=["key.revoked"])

    with transaction.atomic():
        publish(
            KeyRevoked(
                key_id=key.pk,
                subscription_id=key.subscription_id,
                organization_id=key.organization_id,
                reason="leaked",
            )
        )

    event = WebhookEvent.objects.get()
    assert event.type == "key.revoked"
    assert event.data == {
        "id": key.public_id,
        "subscription_id": key.subscription.public_id,
        "name": key.name,
        "masked": key.masked,
        "reason": "leaked",
    }

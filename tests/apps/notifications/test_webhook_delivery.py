"""Deliveries as a receiver sees them: signed, tried again, never twice at once, and given up in the end."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from apps.core import clock
from apps.core.db import TransactionRequiredError
from apps.core.models import AuditEvent
from apps.notifications.constants import ATTEMPT_WAITS, CALLS_AT_ONCE_PER_ENDPOINT, MAX_ATTEMPTS
from apps.notifications.models import (
    Notification,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from apps.notifications.services.delivering import claim_due, deliver_due
from apps.notifications.signing import new_secret
from apps.notifications.webhooks import publish_webhook
from tests.apps.notifications.conftest import Receiver
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.notifications import WebhookEndpointFactory, make_delivery

pytestmark = pytest.mark.django_db

TEST_TYPE = "webhook.test"


def publish(endpoint: WebhookEndpoint, key: str = "fact", **data: Any) -> WebhookEvent | None:
    with transaction.atomic():
        return publish_webhook(
            organization=endpoint.organization, event_type=TEST_TYPE, data=data, dedupe_key=key
        )


def make_due(delivery: WebhookDelivery) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_attempt_at=clock.now())


def test_message_is_accepted_by_the_public_verification_library(receiver: Receiver) -> None:
    endpoint = WebhookEndpointFactory(url=f"{receiver.url}/in")
    event = publish(endpoint, name="Ünïcode")

    assert deliver_due() == {"succeeded": 1, "failed": 0}

    (request,) = receiver.requests
    told = Webhook(endpoint.secret).verify(request.body, request.headers)
    assert event is not None
    assert request.headers["webhook-id"] == event.public_id
    assert request.headers["content-type"] == "application/json"
    assert (told["type"], told["data"]) == (TEST_TYPE, {"name": "Ünïcode"})
    assert told["organization_id"] == endpoint.organization.public_id
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.attempts_made, delivery.response_status) == (
        "succeeded", 1, 204,
    )  # fmt: skip
    attempt = delivery.attempts.get()
    assert attempt.finished_at is not None
    assert "webhook-signature" not in attempt.request_headers
    assert attempt.request_headers["webhook-id"] == event.public_id


def test_another_secret_is_refused_by_the_library(receiver: Receiver) -> None:
    publish(WebhookEndpointFactory(url=f"{receiver.url}/in"))
    deliver_due()

    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(receiver.requests[0].body, receiver.requests[0].headers)


def test_during_the_grace_of_a_rotation_both_secrets_verify(receiver: Receiver) -> None:
    old, new = new_secret(), new_secret()
    endpoint = WebhookEndpointFactory(
        url=f"{receiver.url}/in",
        secret=new,
        previous_secret=old,
        previous_secret_expires_at=clock.now() + timedelta(hours=1),
    )
    publish(endpoint)
    deliver_due()

    (request,) = receiver.requests
    for secret in (old, new):
        Webhook(secret).verify(request.body, request.headers)
    assert len(request.headers["webhook-signature"].split(" ")) == 2


def test_after_the_grace_only_the_new_secret_signs(receiver: Receiver) -> None:
    endpoint = WebhookEndpointFactory(
        url=f"{receiver.url}/in",
        previous_secret=new_secret(),
        previous_secret_expires_at=clock.now() - timedelta(seconds=1),
    )
    publish(endpoint)
    deliver_due()

    assert len(receiver.requests[0].headers["webhook-signature"].split(" ")) == 1


def test_the_same_fact_is_told_once() -> None:
    endpoint = WebhookEndpointFactory()

    first, second = publish(endpoint), publish(endpoint)

    assert first == second
    assert WebhookDelivery.objects.count() == 1


def test_only_endpoints_that_want_the_type_get_it() -> None:
    wanting = WebhookEndpointFactory(event_types=[TEST_TYPE])
    WebhookEndpointFactory(organization=wanting.organization, event_types=["other.type"])
    WebhookEndpointFactory(organization=wanting.organization, status="disabled")
    WebhookEndpointFactory()

    publish(wanting)

    assert [row.endpoint for row in WebhookDelivery.objects.all()] == [wanting]


def test_nothing_is_written_where_nobody_listens() -> None:
    with transaction.atomic():
        event = publish_webhook(
            organization=OrganizationFactory(), event_type=TEST_TYPE, data={}, dedupe_key="fact"
        )

    assert event is None
    assert not WebhookEvent.objects.exists()


def test_publishing_names_an_unknown_type() -> None:
    with pytest.raises(KeyError, match=r"no\.such"), transaction.atomic():
        publish_webhook(
            organization=OrganizationFactory(), event_type="no.such", data={}, dedupe_key="fact"
        )


@pytest.mark.django_db(transaction=True)
def test_publishing_needs_the_callers_transaction() -> None:
    with pytest.raises(TransactionRequiredError):
        publish_webhook(
            organization=OrganizationFactory(), event_type=TEST_TYPE, data={}, dedupe_key="fact"
        )


def test_failed_message_is_tried_again_on_the_recommended_schedule(receiver: Receiver) -> None:
    receiver.answers["/in"] = (500, b"broken")
    endpoint = WebhookEndpointFactory(url=f"{receiver.url}/in")
    publish(endpoint)

    for wait in ATTEMPT_WAITS[1:]:
        before = clock.now()
        assert deliver_due() == {"succeeded": 0, "failed": 1}
        delivery = WebhookDelivery.objects.get()
        assert delivery.status == "failed"
        assert delivery.next_attempt_at is not None
        assert wait * 0.9 <= delivery.next_attempt_at - before <= wait * 1.1 + timedelta(minutes=1)
        assert deliver_due() == {"succeeded": 0, "failed": 0}
        make_due(delivery)
    deliver_due()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts_made) == ("exhausted", MAX_ATTEMPTS)
    assert delivery.next_attempt_at is None
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    assert [row.number for row in delivery.attempts.all()] == list(range(MAX_ATTEMPTS, 0, -1))
    assert {row.response_excerpt for row in delivery.attempts.all()} == {"broken"}


def test_message_arrives_once_the_receiver_is_back(receiver: Receiver) -> None:
    receiver.answers["/in"] = (503, b"")
    endpoint = WebhookEndpointFactory(url=f"{receiver.url}/in")
    publish(endpoint)
    deliver_due()
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None

    del receiver.answers["/in"]
    make_due(WebhookDelivery.objects.get())
    deliver_due()

    endpoint.refresh_from_db()
    assert WebhookDelivery.objects.get().status == "succeeded"
    assert endpoint.failing_since is None


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404])
def test_anything_but_2xx_is_a_failure_and_redirects_are_not_followed(
    receiver: Receiver, status: int
) -> None:
    receiver.answers["/in"] = (status, b"")
    publish(WebhookEndpointFactory(url=f"{receiver.url}/in"))

    assert deliver_due() == {"succeeded": 0, "failed": 1}
    assert [request.path for request in receiver.requests] == ["/in"]


def test_long_answer_is_kept_as_an_excerpt(receiver: Receiver) -> None:
    receiver.answers["/in"] = (500, b"x" * 5_000 + b"\0")
    publish(WebhookEndpointFactory(url=f"{receiver.url}/in"))
    deliver_due()

    assert WebhookAttempt.objects.get().response_excerpt == "x" * 1024


def test_gone_disables_the_endpoint_and_tells_its_managers(receiver: Receiver) -> None:
    receiver.answers["/in"] = (410, b"")
    endpoint = WebhookEndpointFactory(url=f"{receiver.url}/in")
    admin = make_member("admin", endpoint.organization)
    make_member("developer", endpoint.organization)
    publish(endpoint)
    deliver_due()

    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.disabled_because) == ("disabled", "gone")
    assert WebhookDelivery.objects.get().status == "exhausted"
    assert [row.user for row in Notification.objects.all()] == [admin.user]
    assert AuditEvent.objects.filter(
        action="notifications:webhook_endpoint:disabled", target_id=endpoint.pk
    ).exists()


def test_five_days_of_failures_disable_the_endpoint(receiver: Receiver) -> None:
    receiver.answers["/in"] = (500, b"")
    endpoint = WebhookEndpointFactory(
        url=f"{receiver.url}/in", failing_since=clock.now() - timedelta(days=5)
    )
    make_member("owner", endpoint.organization)
    publish(endpoint)
    other = make_delivery(endpoint, next_attempt_at=clock.now() + timedelta(hours=1))
    deliver_due()

    endpoint.refresh_from_db()
    other.refresh_from_db()
    assert (endpoint.status, endpoint.disabled_because) == ("disabled", "failing")
    assert (other.status, other.next_attempt_at) == ("exhausted", None)
    assert Notification.objects.get().kind == "webhooks.disabled_failing"


def test_endpoint_that_is_down_is_a_failure_with_its_reason(settings: Settings) -> None:
    settings.OUTGOING_TRUSTED_HOSTS = frozenset({"127.0.0.1:9"})
    publish(WebhookEndpointFactory(url="http://127.0.0.1:9/in"))
    deliver_due()

    attempt = WebhookAttempt.objects.get()
    assert attempt.response_status is None
    assert "refused" in attempt.error


def test_answer_that_trickles_is_cut_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time; the whole answer does not."""
    monkeypatch.setattr("apps.notifications.services.delivering.CALL_TIMEOUT_S", 0.5)
    is_over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    settings.OUTGOING_TRUSTED_HOSTS = frozenset({address})

    def trickle() -> None:
        caller, _address = listener.accept()
        with caller, suppress(OSError):
            caller.sendall(b"HTTP/1.1 200 OK\r\n")
            while not is_over.wait(timeout=0.1):
                caller.sendall(b"X")

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    publish(WebhookEndpointFactory(url=f"http://{address}/in"))
    try:
        assert deliver_due() == {"succeeded": 0, "failed": 1}
    finally:
        is_over.set()
        thread.join(timeout=10)
        listener.close()

    assert "ReadTimeout" in WebhookAttempt.objects.get().error


def test_name_that_turned_private_is_not_called(
    receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address was public when it was saved; by the time of the call its name answers 127.0.0.1."""
    port = int(receiver.url.rpartition(":")[2])
    settings.OUTGOING_TRUSTED_HOSTS = frozenset()
    monkeypatch.setattr("apps.core.http_client.ALLOWED_PORTS", frozenset({port}))
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *_args, **_kwargs: [(2, 1, 6, "", ("127.0.0.1", port))]
    )
    publish(WebhookEndpointFactory(url=f"http://hooks.example.com:{port}/in"))
    deliver_due()

    assert receiver.requests == []
    assert "not public" in WebhookAttempt.objects.get().error


def test_endpoint_has_at_most_two_calls_under_way() -> None:
    slow, other = WebhookEndpointFactory(), WebhookEndpointFactory()
    for _ in range(4):
        make_delivery(slow)
    make_delivery(other)

    first, second = claim_due(limit=8), claim_due(limit=8)

    claimed = [call.attempt.delivery.endpoint for call in first]
    assert claimed.count(slow) == CALLS_AT_ONCE_PER_ENDPOINT
    assert claimed.count(other) == 1
    assert second == []


def test_attempt_whose_end_nobody_saw_is_made_again(receiver: Receiver) -> None:
    endpoint = WebhookEndpointFactory(url=f"{receiver.url}/in")
    publish(endpoint)
    claim_due(limit=8)  # and the worker dies
    assert deliver_due() == {"succeeded": 0, "failed": 0}

    WebhookDelivery.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
    assert deliver_due() == {"succeeded": 1, "failed": 0}

    lost, made = WebhookAttempt.objects.order_by("number")
    assert (lost.number, lost.finished_at) == (1, None)
    assert (made.number, made.response_status) == (2, 204)


def test_payload_is_the_documented_envelope(receiver: Receiver) -> None:
    publish(WebhookEndpointFactory(url=f"{receiver.url}/in"), answer=42)
    deliver_due()

    told = json.loads(receiver.requests[0].body)
    assert set(told) == {"type", "timestamp", "api_version", "organization_id", "data"}
    assert told["timestamp"].endswith("Z")

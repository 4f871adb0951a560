"""Webhook endpoints over REST: made, changed, tried, replayed, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from apps.accounts.models import Membership
from apps.core import clock
from apps.core.models import AuditEvent, IdempotencyKey
from apps.notifications.constants import ENDPOINTS_PER_ORGANIZATION, MAX_ATTEMPTS
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from apps.notifications.services.delivering import deliver_due
from tests.apps.notifications.conftest import Receiver
from tests.factories.accounts import make_member
from tests.factories.notifications import WebhookEndpointFactory, make_delivery

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]
LIST = "/api/v1/webhook-endpoints"
URL = "https://hooks.example.com/in"


@pytest.fixture
def admin() -> Membership:
    return make_member("admin")


def path_of(endpoint: WebhookEndpoint, action: str = "") -> str:
    return f"{LIST}/{endpoint.public_id}{action}"


def test_secret_is_in_the_first_answer_only(api_client: Connect, admin: Membership) -> None:
    client = api_client(admin)
    body = {"url": URL, "description": "Shop", "event_types": ["webhook.test"]}

    first = client.post(LIST, body, headers={"Idempotency-Key": "one"})
    again = client.post(LIST, body, headers={"Idempotency-Key": "one"})

    assert first.status_code == 201
    assert first.data["secret"].startswith("whsec_")
    assert first.headers["Cache-Control"] == "no-store"
    assert (again.data["id"], again.data["secret"]) == (first.data["id"], None)
    assert first.data["secret"] not in str(IdempotencyKey.objects.values_list("response_body"))
    shown = client.get(f"{LIST}/{first.data['id']}").data
    assert "secret" not in shown
    assert (shown["url"], shown["event_types"], shown["status"]) == (
        URL,
        ["webhook.test"],
        "active",
    )
    assert WebhookEndpoint.objects.get().secret == first.data["secret"]


def test_secret_is_encrypted_in_the_database(api_client: Connect, admin: Membership) -> None:
    secret = api_client(admin).post(LIST, {"url": URL}).data["secret"]

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM notifications_webhookendpoint")
        (stored,) = cursor.fetchone()
    assert secret not in stored


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example.com/in", "https://"),
        ("https://127.0.0.1/in", "IP address"),
        ("https://0x7f.1/in", "IP address"),
        ("https://[::1]/in", "IP address"),
        ("https://localhost/in", "public name"),
        ("https://db.internal/in", "public name"),
        ("https://user:pass@hooks.example.com/in", "user name or password"),
        ("https://hooks.example.com:22/in", "Port 22"),
        ("ftp://hooks.example.com/in", "http"),
        ("nonsense", "http"),
    ],
)
def test_address_that_may_not_be_called_is_refused(
    api_client: Connect, admin: Membership, url: str, reason: str
) -> None:
    answer = api_client(admin).post(LIST, {"url": url})

    assert (answer.status_code, answer.data["code"]) == (422, "unsafe_url")
    assert reason in answer.content.decode()
    assert "url" in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "url"),
        ({"url": "https://e.example/" + "x" * 500}, 400, "url"),
        ({"url": URL, "event_types": "all"}, 400, "event_types"),
        ({"url": URL, "event_types": ["no.such"]}, 422, "event_types"),
        ({"url": URL, "api_version": "1999-01-01"}, 422, "api_version"),
        ({"url": URL, "description": "x" * 201}, 400, "description"),
    ],
)
def test_bad_input_names_its_field(
    api_client: Connect, admin: Membership, body: dict[str, Any], status: int, field: str
) -> None:
    answer = api_client(admin).post(LIST, body, format="json")

    assert answer.status_code == status
    assert field in str(answer.data["errors"])
    assert not WebhookEndpoint.objects.exists()


def test_an_organization_has_at_most_ten(api_client: Connect, admin: Membership) -> None:
    WebhookEndpointFactory.create_batch(ENDPOINTS_PER_ORGANIZATION, organization=admin.organization)
    answer = api_client(admin).post(LIST, {"url": URL})

    assert (answer.status_code, answer.data["code"]) == (409, "webhook_limit_reached")
    assert answer.data["limit"] == ENDPOINTS_PER_ORGANIZATION


def test_change_keeps_what_is_left_out(api_client: Connect, admin: Membership) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization, description="Shop")
    client = api_client(admin)

    answer = client.patch(path_of(endpoint), {"url": URL}, format="json")

    assert (answer.data["url"], answer.data["description"]) == (URL, "Shop")
    row = AuditEvent.objects.get(action="notifications:webhook_endpoint:updated")
    assert row.after["url"] == URL


def test_disabling_gives_up_what_is_on_its_way(api_client: Connect, admin: Membership) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization)
    delivery = make_delivery(endpoint)
    client = api_client(admin)

    off = client.patch(path_of(endpoint), {"status": "disabled"}, format="json")
    delivery.refresh_from_db()
    on = client.patch(path_of(endpoint), {"status": "active"}, format="json")

    assert (off.data["status"], off.data["disabled_because"]) == ("disabled", "by_hand")
    assert delivery.status == "exhausted"
    assert (on.data["status"], on.data["disabled_because"]) == ("active", "")


def test_removed_endpoint_is_gone_with_its_log(api_client: Connect, admin: Membership) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization)
    make_delivery(endpoint)
    client = api_client(admin)

    assert client.delete(path_of(endpoint)).status_code == 204
    assert client.get(path_of(endpoint)).status_code == 404
    assert not WebhookDelivery.objects.exists()
    assert AuditEvent.objects.filter(
        action="notifications:webhook_endpoint:deleted", target_id=endpoint.pk
    ).exists()


def test_after_a_rotation_both_secrets_verify_what_arrives(
    api_client: Connect, admin: Membership, receiver: Receiver
) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization, url=f"{receiver.url}/in")
    client = api_client(admin)

    rotated = client.post(path_of(endpoint, "/rotate-secret"))
    client.post(path_of(endpoint, "/test"))
    deliver_due()

    assert rotated.status_code == 201
    assert rotated.data["secret"] != endpoint.secret
    (request,) = receiver.requests
    for secret in (endpoint.secret, rotated.data["secret"]):
        Webhook(secret).verify(request.body, request.headers)


def test_test_event_goes_to_this_endpoint_and_its_delivery_tells_the_answer(
    api_client: Connect, admin: Membership, receiver: Receiver
) -> None:
    receiver.answers["/in"] = (500, b"no such table")
    endpoint = WebhookEndpointFactory(
        organization=admin.organization, url=f"{receiver.url}/in", event_types=["other.type"]
    )
    WebhookEndpointFactory(organization=admin.organization, url=f"{receiver.url}/other")
    client = api_client(admin)

    sent = client.post(path_of(endpoint, "/test"))
    deliver_due()
    shown = client.get(f"/api/v1/webhook-deliveries/{sent.data['id']}").data

    assert sent.status_code == 201
    assert [request.path for request in receiver.requests] == ["/in"]
    assert (shown["status"], shown["attempts_made"], shown["response_status"]) == ("failed", 1, 500)
    assert shown["payload"]["type"] == "webhook.test"
    (attempt,) = shown["attempts"]
    assert attempt["response_excerpt"] == "no such table"
    assert "webhook-signature" not in attempt["request_headers"]


def test_disabled_endpoint_cannot_be_tried(api_client: Connect, admin: Membership) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization, status="disabled")
    answer = api_client(admin).post(path_of(endpoint, "/test"))

    assert (answer.status_code, answer.data["code"]) == (409, "webhook_endpoint_disabled")


def test_replay_arrives_under_the_same_id(
    api_client: Connect, admin: Membership, receiver: Receiver
) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization, url=f"{receiver.url}/in")
    delivery = make_delivery(endpoint)
    deliver_due()

    answer = api_client(admin).post(f"/api/v1/webhook-deliveries/{delivery.public_id}/replay")
    deliver_due()

    assert (answer.status_code, answer.data["status"]) == (202, "pending")
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts_made) == ("succeeded", 2)
    assert delivery.attempts_left == MAX_ATTEMPTS - 1


def test_message_on_its_way_is_not_replayed(api_client: Connect, admin: Membership) -> None:
    delivery = make_delivery(WebhookEndpointFactory(organization=admin.organization))
    answer = api_client(admin).post(f"/api/v1/webhook-deliveries/{delivery.public_id}/replay")

    assert (answer.status_code, answer.data["code"]) == (409, "webhook_delivery_under_way")


def test_everything_given_up_since_a_moment_is_replayed(
    api_client: Connect, admin: Membership
) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization)
    given_up = {"status": "exhausted", "attempts_left": 0, "next_attempt_at": None}
    recent = make_delivery(endpoint, **given_up)
    old = make_delivery(endpoint, created_at=clock.now() - timedelta(days=2), **given_up)
    good = make_delivery(endpoint, **{**given_up, "status": "succeeded"})
    since = (clock.now() - timedelta(days=1)).isoformat()

    answer = api_client(admin).post(path_of(endpoint, "/replay"), {"since": since}, format="json")

    assert (answer.status_code, answer.data) == (202, {"deliveries": 1})
    states = {row.pk: row.status for row in WebhookDelivery.objects.all()}
    assert states == {recent.pk: "pending", old.pk: "exhausted", good.pk: "succeeded"}


@pytest.mark.parametrize("since", [timedelta(hours=1), timedelta(days=-31)])
def test_replay_of_what_is_not_kept_is_refused(
    api_client: Connect, admin: Membership, since: timedelta
) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization)
    body = {"since": (clock.now() + since).isoformat()}
    answer = api_client(admin).post(path_of(endpoint, "/replay"), body, format="json")

    assert answer.status_code == 422
    assert "since" in str(answer.data["errors"])


def test_deliveries_are_filtered(api_client: Connect, admin: Membership) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization)
    wanted = make_delivery(endpoint)
    make_delivery(endpoint, status="succeeded", next_attempt_at=None)
    client = api_client(admin)

    found = client.get(path_of(endpoint, "/deliveries"), {"status": "pending"}).data["data"]
    wrong_status = client.get(path_of(endpoint, "/deliveries"), {"status": "lost"})
    wrong_type = client.get(path_of(endpoint, "/deliveries"), {"type": "no.such"})

    assert [row["id"] for row in found] == [wanted.public_id]
    assert (wrong_status.status_code, wrong_type.status_code) == (400, 400)


@pytest.mark.parametrize("method_and_action", [
    ("get", ""), ("patch", ""), ("delete", ""), ("post", "/rotate-secret"), ("post", "/test"),
    ("get", "/deliveries"), ("post", "/replay"),
])  # fmt: skip
def test_another_tenants_endpoint_does_not_exist(
    api_client: Connect, admin: Membership, method_and_action: tuple[str, str]
) -> None:
    method, action = method_and_action
    foreign = WebhookEndpointFactory()
    body = {} if method == "get" else {"since": clock.now().isoformat()}
    answer = getattr(api_client(admin), method)(path_of(foreign, action), body)

    assert answer.status_code == 404


def test_another_tenants_delivery_does_not_exist(api_client: Connect, admin: Membership) -> None:
    foreign = make_delivery(WebhookEndpointFactory())
    client = api_client(admin)

    assert client.get(f"/api/v1/webhook-deliveries/{foreign.public_id}").status_code == 404
    assert client.post(f"/api/v1/webhook-deliveries/{foreign.public_id}/replay").status_code == 404
    assert client.get(LIST).data["data"] == []


def test_event_types_have_examples(api_client: Connect, admin: Membership) -> None:
    types = {
        row["name"]: row
        for row in api_client(admin).get("/api/v1/webhook-event-types").data["data"]
    }

    assert types["webhook.test"]["example"]
    assert all(row["description"] for row in types.values())


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_need_as_many_queries_for_one_row_as_for_three(
    api_client: Connect, admin: Membership, rows: int
) -> None:
    endpoints = WebhookEndpointFactory.create_batch(rows, organization=admin.organization)
    for _ in range(rows):
        make_delivery(endpoints[0])
    client = api_client(admin)

    with CaptureQueriesContext(connection) as of_list:
        client.get(LIST)
    with CaptureQueriesContext(connection) as of_deliveries:
        client.get(path_of(endpoints[0], "/deliveries"))

    assert (len(of_list), len(of_deliveries)) == (1, 2)

"""The organization's webhook pages: a secret shown once, deliveries, replay."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from standardwebhooks import Webhook

from apps.accounts.models import Membership
from apps.notifications.event_types import all_event_types
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from apps.notifications.services.delivering import deliver_due
from tests.apps.notifications.conftest import Receiver
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.notifications import WebhookEndpointFactory, make_delivery

pytestmark = pytest.mark.django_db

LIST = "/console/organization/webhooks/"


@pytest.fixture
def admin() -> Membership:
    return make_member("admin")


@pytest.fixture
def client(admin: Membership) -> Client:
    return client_for(admin)


def page_of(endpoint: WebhookEndpoint, action: str = "") -> str:
    return f"{LIST}{endpoint.public_id}/{action}"


def delivery_page(delivery: WebhookDelivery) -> str:
    return reverse("notifications:webhook_delivery", args=[delivery.public_id])


def test_secret_is_on_the_answer_to_the_form_only(client: Client, receiver: Receiver) -> None:
    answer = client.post(f"{LIST}new/", {"url": f"{receiver.url}/in", "description": "Shop"})

    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]{20,}", answer.content.decode()))
    endpoint = WebhookEndpoint.objects.get()
    assert secret == endpoint.secret
    assert "no-store" in answer.headers["Cache-Control"]
    for page in (LIST, page_of(endpoint), page_of(endpoint, "edit/")):
        assert secret not in client.get(page).content.decode()


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://10.0.0.1/", "https://intra/"]
)
def test_refused_address_is_shown_at_its_field(client: Client, url: str) -> None:
    answer = client.post(f"{LIST}new/", {"url": url})

    assert answer.context["form"].errors["url"]
    assert not WebhookEndpoint.objects.exists()


def test_whole_round_from_test_event_to_replay(
    client: Client, admin: Membership, receiver: Receiver
) -> None:
    receiver.answers["/in"] = (500, b"<b>broken</b>")
    endpoint = WebhookEndpointFactory(organization=admin.organization, url=f"{receiver.url}/in")

    sent = client.post(page_of(endpoint, "test/"), follow=True)
    assert "about to be made" in sent.content.decode()
    deliver_due()
    delivery = WebhookDelivery.objects.get()
    failed = client.get(delivery_page(delivery)).content.decode()
    assert "&lt;b&gt;broken&lt;/b&gt;" in failed

    client.post(page_of(endpoint, "status/"), {"status": "disabled"})
    client.post(page_of(endpoint, "status/"), {"status": "active"})
    del receiver.answers["/in"]
    client.post(page_of(endpoint, "replay/"), {"span": "hour"})
    deliver_due()

    delivery.refresh_from_db()
    assert delivery.status == "succeeded"
    client.post(f"{delivery_page(delivery)}replay/")
    deliver_due()
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len(receiver.requests) == 3


def test_new_secret_is_shown_after_asking(client: Client, admin: Membership) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization)
    assert "24 hours" in client.get(page_of(endpoint, "rotate/")).content.decode()

    answer = client.post(page_of(endpoint, "rotate/"))

    old = endpoint.secret
    endpoint.refresh_from_db()
    assert endpoint.secret in answer.content.decode()
    assert (endpoint.previous_secret, old != endpoint.secret) == (old, True)


def test_endpoint_is_changed_and_removed(client: Client, admin: Membership) -> None:
    endpoint = WebhookEndpointFactory(organization=admin.organization)
    url = "https://new.example.com/in"

    client.post(page_of(endpoint, "edit/"), {"url": url, "event_types": ["api.activated"]})
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.event_types) == (url, ["api.activated"])
    assert client.get(page_of(endpoint, "delete/")).status_code == 200
    client.post(page_of(endpoint, "delete/"))

    assert not WebhookEndpoint.objects.exists()


def test_reference_shows_every_event_with_an_example(client: Client) -> None:
    text = client.get(f"{LIST}events/").content.decode()

    assert all(kind.name in text for kind in all_event_types())
    assert "standardwebhooks" in text


def test_another_tenants_pages_do_not_exist(client: Client) -> None:
    foreign = WebhookEndpointFactory()
    delivery = make_delivery(foreign)

    for page in (page_of(foreign), page_of(foreign, "edit/"), page_of(foreign, "rotate/")):
        assert client.get(page).status_code == 404
    for action in ("test/", "replay/", "status/", "delete/"):
        assert client.post(page_of(foreign, action)).status_code == 404
    assert client.get(delivery_page(delivery)).status_code == 404
    assert client.post(f"{delivery_page(delivery)}replay/").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "developer", "billing"])
def test_roles_that_do_not_manage_webhooks_get_403(role: str) -> None:
    assert client_for(make_member(role)).get(LIST).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_pages_need_the_same_queries_for_any_length(
    client: Client, admin: Membership, rows: int
) -> None:
    endpoints = WebhookEndpointFactory.create_batch(rows, organization=admin.organization)
    deliveries = [make_delivery(endpoints[0]) for _ in range(rows)]
    client.get(LIST)

    counts = []
    for page in (LIST, page_of(endpoints[0]), delivery_page(deliveries[0])):
        with CaptureQueriesContext(connection) as captured:
            client.get(page)
        counts.append(len(captured))

    assert counts == [7, 9, 8]


def test_operator_sees_deliveries_and_sends_them_again(receiver: Receiver) -> None:
    endpoint = WebhookEndpointFactory(url=f"{receiver.url}/in")
    delivery = make_delivery(endpoint)
    deliver_due()
    desk = client_for(make_staff("operator"))
    listed = reverse("admin:notifications_webhookdelivery_changelist")

    assert endpoint.url in desk.get(listed).content.decode()
    detail = reverse("admin:notifications_webhookdelivery_change", args=[delivery.pk])
    assert desk.get(detail).status_code == 200
    of_endpoint = reverse("admin:notifications_webhookendpoint_change", args=[endpoint.pk])
    assert endpoint.secret not in desk.get(of_endpoint).content.decode()
    desk.post(listed, {"action": "replay_selected", "_selected_action": [str(delivery.pk)]})
    deliver_due()

    assert len(receiver.requests) == 2
    Webhook(endpoint.secret).verify(receiver.requests[1].body, receiver.requests[1].headers)
    assert client_for(make_staff("finance")).get(listed).status_code == 403

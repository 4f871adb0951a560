"""A gateway node that is gone for good no longer holds anything up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.core import clock
from apps.core.models import AuditEvent
from apps.gateway.models import AuthorizerNode
from apps.portal.health import check_shippers
from apps.usage.ingestion import accept_batch
from apps.usage.models import NodeRetirement, ShipperState
from apps.usage.selectors import usage_is_complete
from tests.factories.accounts import make_staff
from tests.factories.usage import PLATFORM

pytestmark = pytest.mark.django_db

SHIPPERS = "/api/v1/admin/usage/shippers"


@pytest.fixture(autouse=True)
def without_second_step(settings: Any) -> None:
    settings.REQUIRE_STAFF_MFA = False


def make_shipper(node: str, *, silent_for: timedelta = timedelta(hours=1)) -> ShipperState:
    at = clock.now() - silent_for
    return ShipperState.objects.create(node=node, oldest_unshipped_at=at, reported_at=at)


def report(node: str) -> None:
    body = {"shipper": {"node": node, "oldest_unshipped_at": clock.now().isoformat()}, "events": []}
    accept_batch(body=json.dumps(body).encode(), batch_key="", actor=PLATFORM)


def test_retired_node_holds_up_neither_closing_nor_health(
    api_client: Callable[..., APIClient],
) -> None:
    make_shipper("gone")
    report("here")
    AuthorizerNode.objects.create(
        name="here",
        epoch="e",
        version=1,
        lease_expires_at=clock.now() + timedelta(minutes=1),
        seen_at=clock.now(),
    )
    until = clock.now() - timedelta(minutes=1)
    assert not usage_is_complete(until)
    assert check_shippers().status == "degraded"

    answer = api_client(make_staff("operator")).delete(
        f"{SHIPPERS}/gone", {"reason": "its machine was sold"}, format="json"
    )

    assert answer.status_code == 200, answer.content
    assert answer.json()["reason"] == "its machine was sold"
    assert usage_is_complete(until)
    assert check_shippers().status == "ok"
    audit = AuditEvent.objects.get(action="usage:node:retired")
    assert audit.target_id == NodeRetirement.objects.get().pk
    assert (audit.after["node"], audit.reason) == ("gone", "its machine was sold")


def test_node_that_reports_is_not_retired(api_client: Callable[..., APIClient]) -> None:
    report("here")
    client = api_client(make_staff("operator"))

    refused = client.delete(f"{SHIPPERS}/here", {"reason": "why not"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "node_still_reports")
    assert ShipperState.objects.get().retired_at is None
    assert not NodeRetirement.objects.exists()


def test_a_reason_is_needed_and_once_is_enough(api_client: Callable[..., APIClient]) -> None:
    make_shipper("gone")
    client = api_client(make_staff("operator"))
    for body in ({}, {"reason": " "}):
        refused = client.delete(f"{SHIPPERS}/gone", body, format="json")
        assert refused.status_code == 400, refused.content
        assert "reason" in str(refused.json())
    client.delete(f"{SHIPPERS}/gone", {"reason": "sold"}, format="json")
    again = client.delete(f"{SHIPPERS}/gone", {"reason": "sold"}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "node_retired")
    assert client.delete(f"{SHIPPERS}/nobody", {"reason": "x"}, format="json").status_code == 404


def test_node_that_reports_again_is_back_in_service() -> None:
    make_shipper("back")
    ShipperState.objects.update(retired_at=clock.now(), first_reported_at=clock.now())
    first = ShipperState.objects.get().first_reported_at

    report("back")

    state = ShipperState.objects.get()
    assert (state.retired_at, state.first_reported_at) == (None, first)


@pytest.mark.parametrize("count", [1, 3])
def test_list_says_who_reports_in_one_query(
    count: int, api_client: Callable[..., APIClient], django_assert_num_queries: Any
) -> None:
    for number in range(count):
        make_shipper(f"silent-{number}")
    client = api_client(make_staff("operator"))

    with django_assert_num_queries(1):
        answer = client.get(SHIPPERS)

    assert [row["status"] for row in answer.json()] == ["silent"] * count
    assert client.get(f"{SHIPPERS}/silent-0").json()["node"] == "silent-0"
    assert client.get(f"{SHIPPERS}/nobody").status_code == 404


class TestBackOffice:
    """The operator's pages."""

    def test_page_of_the_gateway_and_that_of_shippers_lead_to_the_form(
        self, client_for: Callable[..., Client]
    ) -> None:
        make_shipper("gone")
        report("here")
        client = client_for(make_staff("operator"))
        retire = reverse("admin:usage_shipper_retire", args=["gone"])

        for name in ("admin:gateway_overview", "admin:usage_shippers"):
            text = client.get(reverse(name)).content.decode()
            assert retire in text
            assert reverse("admin:usage_shipper_retire", args=["here"]) not in text
        assert client.get(retire).status_code == 200

    def test_form_retires_with_a_reason(self, client_for: Callable[..., Client]) -> None:
        make_shipper("gone")
        client = client_for(make_staff("operator"))
        retire = reverse("admin:usage_shipper_retire", args=["gone"])

        assert client.post(retire, {"reason": ""}).status_code == 422
        assert client.post(retire, {"reason": "burnt"}).status_code == 302
        text = client.get(reverse("admin:usage_shippers")).content.decode()
        assert "gone: burnt" in text
        again = client.post(retire, {"reason": "burnt"})
        assert again.status_code == 422
        assert "retired already" in again.content.decode()

    def test_approver_may_look_and_not_retire(self, client_for: Callable[..., Client]) -> None:
        make_shipper("gone")
        client = client_for(make_staff("approver"))

        page = client.get(reverse("admin:usage_shippers"))
        assert page.status_code == 200
        retire = reverse("admin:usage_shipper_retire", args=["gone"])
        assert retire not in page.content.decode()
        assert client.post(retire, {"reason": "x"}).status_code == 403

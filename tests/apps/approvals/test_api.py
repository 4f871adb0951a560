"""The queue over REST, and the requester's side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.approvals import services
from apps.approvals.models import ApprovalRequest
from apps.core import clock
from tests.factories.accounts import actor_of
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
QUEUE = "/api/v1/admin/approvals"


@pytest.fixture
def approver(make_staff: Callable[..., User]) -> User:
    return make_staff("approver")


def test_queue_puts_overdue_first_and_decided_last(api_client: Clients, approver: User) -> None:
    now = clock.now()
    decided = make_request(due_at=now - timedelta(days=2), status="approved")
    later = make_request(due_at=now + timedelta(hours=9))
    sooner = make_request(due_at=now + timedelta(hours=1))
    late = make_request(due_at=now - timedelta(hours=1))

    rows = api_client(approver).get(QUEUE).json()["data"]

    expected = [item.public_id for item in (late, sooner, later, decided)]
    assert [row["id"] for row in rows] == expected
    assert [row["is_overdue"] for row in rows] == [True, False, False, False]


@pytest.mark.parametrize(
    ("query", "count"),
    [("?status=pending", 2), ("?is_open=false", 1), ("?overdue=true", 1), ("?priority=urgent", 0)],
)
def test_queue_filters(api_client: Clients, approver: User, query: str, count: int) -> None:
    (
        make_request(),
        make_request(due_at=clock.now() - timedelta(hours=1)),
        make_request(status="expired"),
    )

    assert len(api_client(approver).get(QUEUE + query).json()["data"]) == count


def test_queue_refuses_an_unknown_status(api_client: Clients, approver: User) -> None:
    answer = api_client(approver).get(f"{QUEUE}?status=maybe")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/status")


@pytest.mark.parametrize("item_count", [1, 3])
def test_queue_needs_the_same_queries_for_any_length(
    api_client: Clients,
    approver: User,
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(item_count):
        make_request()
    client = api_client(approver)

    with django_assert_num_queries(2):
        client.get(QUEUE)


def test_approve_over_rest_shows_history_subject_and_status(
    api_client: Clients, approver: User
) -> None:
    request = make_request()

    answer = api_client(approver).post(f"{QUEUE}/{request.public_id}/approve/", {"comment": "Fine"})

    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "approved")
    assert body["subject"]["status"] == "registering"
    assert [row["action"] for row in body["history"]] == ["requested", "approved"]


def test_reject_over_rest_without_comment_names_the_field(
    api_client: Clients, approver: User
) -> None:
    request = make_request()

    answer = api_client(approver).post(f"{QUEUE}/{request.public_id}/reject/", {})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/comment")
    assert ApprovalRequest.objects.get().status == "pending"


def test_decided_over_rest_twice_is_a_conflict(api_client: Clients, approver: User) -> None:
    url = f"{QUEUE}/{make_request().public_id}/approve/"
    client = api_client(approver)
    client.post(url, {"comment": "Yes"})

    answer = client.post(url, {"comment": "Yes"})

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")


def test_requester_sees_public_comments_only(
    api_client: Clients, approver: User, make_member: Callable[..., Membership]
) -> None:
    member = make_member("developer")
    request = make_request(member)
    for body, is_internal in (("for us", True), ("for you", False)):
        services.add_comment(
            request=request, actor=actor_of(approver), body=body, is_internal=is_internal
        )

    services.escalate_request(request=request, actor=actor_of(approver), reason="for us too")

    own = api_client(member).get(f"/api/v1/approvals/{request.public_id}").json()
    other = api_client(make_member("owner")).get(f"/api/v1/approvals/{request.public_id}")

    assert [comment["body"] for comment in own["comments"]] == ["for you"]
    assert "for us" not in str(own)
    assert other.status_code == 404


def test_requester_answers_and_withdraws_over_rest(
    api_client: Clients, approver: User, make_member: Callable[..., Membership]
) -> None:
    member = make_member("developer")
    request = make_request(member)
    services.request_information(request=request, actor=actor_of(approver), question="Which?")
    client, url = api_client(member), f"/api/v1/approvals/{request.public_id}"

    answered = client.post(f"{url}/information", {"comment": "These"}).json()
    withdrawn = client.post(f"{url}/withdraw", {}).json()

    assert (answered["status"], withdrawn["status"]) == ("pending", "cancelled")
    assert withdrawn["subject"]["status"] == "draft"

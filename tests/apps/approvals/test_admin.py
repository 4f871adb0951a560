"""The approvers' queue and review page in the back office."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Membership, User
from apps.apis.models import Api
from apps.approvals.models import ApprovalRequest, SlaPolicy
from apps.approvals.services import escalate_request
from apps.core import clock
from apps.core.attention import attention_items
from tests.factories.accounts import actor_of
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db

QUEUE = "/backoffice/approvals/approvalrequest/"


@pytest.fixture
def approver(make_staff: Callable[..., User]) -> User:
    return make_staff("approver")


@pytest.fixture
def browser(approver: User, client_for: Callable[..., Client]) -> Client:
    return client_for(approver)


def review_of(browser: Client, request: ApprovalRequest) -> str:
    answer = browser.get(reverse("admin:approvals_approvalrequest_change", args=[request.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def decide(browser: Client, request: ApprovalRequest, move: str, comment: str = "") -> str:
    url = reverse("admin:approvals_decide", args=[request.pk])
    answer = browser.post(url, {"move": move, "comment": comment}, follow=True)
    return answer.content.decode()


def test_queue_shows_open_requests_overdue_first(browser: Client) -> None:
    now = clock.now()
    later = make_request(due_at=now + timedelta(hours=2))
    late = make_request(due_at=now - timedelta(hours=2))
    decided = make_request(status="rejected")

    text = browser.get(QUEUE).content.decode()

    assert text.index(late.title) < text.index(later.title)
    assert decided.title not in text
    assert decided.title in browser.get(f"{QUEUE}?queue=decided").content.decode()
    assert later.title not in browser.get(f"{QUEUE}?queue=overdue").content.decode()


@pytest.mark.parametrize("item_count", [1, 3])
def test_queue_needs_the_same_queries_for_any_length(
    browser: Client, item_count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(item_count):
        make_request()
    browser.get(QUEUE)

    with django_assert_num_queries(10):
        browser.get(QUEUE)


@pytest.mark.parametrize("role", ["finance"])
def test_other_staff_do_not_get_in(
    client_for: Callable[..., Client], make_staff: Callable[..., User], role: str
) -> None:
    request = make_request()
    other = client_for(make_staff(role))

    assert other.get(QUEUE).status_code == 403
    decide(other, request, "approve")
    assert ApprovalRequest.objects.get().status == "pending"


def test_member_does_not_get_in(
    client_for: Callable[..., Client], make_member: Callable[..., Membership]
) -> None:
    assert client_for(make_member("owner")).get(QUEUE).status_code == 302


def test_review_shows_listing_upstream_and_history(browser: Client) -> None:
    request = make_request()
    api = Api.objects.get(pk=request.subject_id)

    text = review_of(browser, request)

    assert api.upstream_url in text
    assert api.short_description in text
    assert 'value="approve"' in text
    assert "Requested" in text


def test_approve_button_decides_and_returns_to_the_queue(browser: Client) -> None:
    request = make_request()

    text = decide(browser, request, "approve", "Fine")

    assert "Approved." in text
    assert Api.objects.get(pk=request.subject_id).status == "registering"


@pytest.mark.parametrize("move", ["approve", "reject", "ask", "escalate"])
def test_buttons_need_a_comment_and_change_nothing_without(browser: Client, move: str) -> None:
    request = make_request()

    text = decide(browser, request, move)

    assert "This field is required." in text
    assert ApprovalRequest.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("move", "status"),
    [("reject", "rejected"), ("ask", "info_requested"), ("escalate", "escalated")],
)
def test_buttons_with_a_comment(browser: Client, move: str, status: str) -> None:
    request = make_request()

    decide(browser, request, move, "Because")

    assert ApprovalRequest.objects.get().status == status


def test_second_approver_is_told_that_somebody_was_faster(browser: Client) -> None:
    request = make_request()
    decide(browser, request, "reject", "No")

    text = decide(browser, request, "approve", "Fine")

    assert "cannot become" in text
    assert ApprovalRequest.objects.get().status == "rejected"


def test_own_submission_has_no_buttons(
    client_for: Callable[..., Client], make_member: Callable[..., Membership]
) -> None:
    member = make_member("owner", is_staff=True, is_superuser=True)
    request = make_request(member)
    browser = client_for(member)

    assert 'value="approve"' not in review_of(browser, request)
    decide(browser, request, "approve")
    assert ApprovalRequest.objects.get().status == "pending"


def test_operator_decides_only_what_was_escalated(
    client_for: Callable[..., Client], make_staff: Callable[..., User], approver: User
) -> None:
    request = make_request()
    operator = client_for(make_staff("operator"))

    assert 'value="approve"' not in review_of(operator, request)
    escalate_request(request=request, actor=actor_of(approver), reason="Law")
    assert 'value="approve"' in review_of(operator, request)


def test_comment_is_added_internal_by_default(browser: Client) -> None:
    request = make_request()

    browser.post(
        reverse("admin:approvals_comment", args=[request.pk]),
        {"comment": "Hm", "is_internal": "on"},
    )

    assert request.comments.get().is_internal is True


def test_attention_counts_overdue_apart(approver: User) -> None:
    make_request(), make_request(due_at=clock.now() - timedelta(hours=1))

    items = [item for item in attention_items(actor_of(approver)) if "approvalrequest" in item.url]

    assert [(item.count, item.tone) for item in items] == [(1, "bad"), (1, "info")]


def test_operator_changes_a_deadline_and_approver_may_not(
    browser: Client, client_for: Callable[..., Client], make_staff: Callable[..., User]
) -> None:
    policy = SlaPolicy.objects.get(subject_type="", priority="normal")
    url = reverse("admin:approvals_slapolicy_change", args=[policy.pk])
    change = {"priority": "normal", "resolution_hours": 48, "escalate_to": "operator"}

    browser.post(url, change)
    policy.refresh_from_db()
    assert policy.resolution_hours == 72
    client_for(make_staff("operator")).post(url, change)

    policy.refresh_from_db()
    assert policy.resolution_hours == 48

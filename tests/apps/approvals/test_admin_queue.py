"""The queue's filters, clock, bulk decisions and figures in the back office."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.approvals.enums import Priority
from apps.approvals.models import ApprovalAttachment, ApprovalRequest, BusinessCalendar, SlaPolicy
from apps.approvals.services import add_comment, approve_request, assign_request, reject_request
from apps.core import clock
from apps.core.models import AuditEvent
from tests.factories.accounts import actor_of, make_staff
from tests.factories.approvals import make_older, make_request

pytestmark = pytest.mark.django_db

QUEUE = "/backoffice/approvals/approvalrequest/"
STATISTICS = f"{QUEUE}statistics/"


@pytest.fixture
def approver() -> User:
    return make_staff("approver")


@pytest.fixture
def browser(approver: User, client_for: Callable[..., Client]) -> Client:
    return client_for(approver)


@pytest.fixture
def operator(client_for: Callable[..., Client]) -> Client:
    return client_for(make_staff("operator"))


def titles(browser: Client, query: str) -> set[str]:
    answer = browser.get(f"{QUEUE}?{query}")
    return {row.title for row in answer.context["cl"].result_list}


def review_url(request: ApprovalRequest) -> str:
    return reverse("admin:approvals_approvalrequest_change", args=[request.pk])


def bulk(browser: Client, decision: str, *requests: ApprovalRequest, **fields: str) -> str:
    form = {
        "action": f"{decision}_selected",
        "_selected_action": [str(row.pk) for row in requests],
        **fields,
    }
    return browser.post(QUEUE, form, follow=True).content.decode()


# --- the list ------------------------------------------------------------------------------------


def test_queue_is_narrowed_by_assignee(browser: Client, approver: User) -> None:
    colleague = make_staff("approver")
    mine, other, free = make_request(), make_request(), make_request()
    assign_request(request=mine, assignee=approver, actor=actor_of(approver))
    assign_request(request=other, assignee=colleague, actor=actor_of(approver))

    assert titles(browser, "assignee=mine") == {mine.title}
    assert titles(browser, "assignee=nobody") == {free.title}
    assert titles(browser, f"assignee={colleague.pk}") == {other.title}
    assert titles(browser, "assignee=garbled") == set()


def test_queue_is_narrowed_by_state_subject_priority_and_words(browser: Client) -> None:
    urgent = make_request(priority=Priority.URGENT)
    waiting = make_request(status="info_requested", waiting_since=clock.now())
    escalated = make_request(status="escalated")
    assert urgent.organization is not None
    urgent.organization.name = "Zephyr Works"
    urgent.organization.save()

    assert titles(browser, "priority__exact=urgent") == {urgent.title}
    assert titles(browser, "queue=waiting") == {waiting.title}
    assert titles(browser, "queue=escalated") == {escalated.title}
    assert titles(browser, "subject_type=apis.api_update") == set()
    assert titles(browser, "q=zephyr") == {urgent.title}


def test_waiting_request_is_paused_and_never_overdue(browser: Client) -> None:
    now = clock.now()
    request = make_request(
        status="info_requested",
        waiting_since=now - timedelta(hours=9),
        due_at=now - timedelta(hours=5),
    )

    text = browser.get(QUEUE).content.decode()

    assert "Paused" in text
    assert "4 h left when the requester answers" in text
    assert "Nothing is overdue" in text
    assert titles(browser, "queue=overdue") == set()
    assert titles(browser, "") == {request.title}


def test_summary_counts_and_tells_the_median(browser: Client, approver: User) -> None:
    make_request(due_at=clock.now() - timedelta(hours=1)), make_request(assignee=approver)
    decided = make_older(make_request(), timedelta(hours=5))
    reject_request(request=decided, actor=actor_of(approver), comment="No")

    text = browser.get(QUEUE).content.decode()

    for sentence in ("1 is overdue", "2 are open", "1 is yours", "1 is nobody’s"):
        assert sentence in text
    assert "Median decision of 30 days: 5 h" in text


def test_one_click_takes_a_request(browser: Client, approver: User) -> None:
    request = make_request()
    url = reverse("admin:approvals_claim", args=[request.pk])

    text = browser.post(url, follow=True).content.decode()

    request.refresh_from_db()
    assert request.assignee == approver
    assert f"{request.title} is yours." in text


def test_taking_what_a_colleague_has_says_so(browser: Client) -> None:
    colleague = make_staff("approver")
    request = make_request(assignee=colleague)

    text = browser.post(
        reverse("admin:approvals_claim", args=[request.pk]), follow=True
    ).content.decode()

    assert "Somebody else took this request already" in text
    request.refresh_from_db()
    assert request.assignee == colleague


# --- many at once --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "status"),
    [("approve", "approved"), ("reject", "rejected"), ("escalate", "escalated")],
)
def test_bulk_decision_asks_for_one_comment_then_tells_each_outcome(
    browser: Client, decision: str, status: str
) -> None:
    first, second, decided = make_request(), make_request(), make_request(status="expired")

    asked = bulk(browser, decision, first, second)
    assert "all of them" in asked
    assert first.title in asked
    text = bulk(browser, decision, first, second, decided, apply="1", comment="As agreed")

    assert "2 requests were handled." in text
    assert "1 was refused and stays as it was." in text
    assert "invalid_transition" in text
    for row in (first, second):
        row.refresh_from_db()
        assert row.status == status


def test_bulk_decision_without_a_comment_changes_nothing(browser: Client) -> None:
    request = make_request()

    text = bulk(browser, "approve", request, apply="1", comment=" ")

    assert "This field is required." in text
    request.refresh_from_db()
    assert request.status == "pending"


def test_bulk_assignment_to_a_colleague_and_to_oneself(browser: Client, approver: User) -> None:
    colleague = make_staff("approver")
    first, second = make_request(), make_request()

    bulk(browser, "assign", first, apply="1", assignee=str(colleague.pk))
    bulk(browser, "assign", second, apply="1", assignee="")

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.assignee, second.assignee) == (colleague, approver)


# --- the review page -----------------------------------------------------------------------------


@pytest.mark.parametrize("item_count", [1, 3])
def test_review_needs_the_same_queries_for_any_length(
    browser: Client,
    approver: User,
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    request = make_request()
    for number in range(item_count):
        upload = SimpleUploadedFile(f"{number}.txt", b"text")
        add_comment(
            request=request, actor=actor_of(approver), body="Hm", is_internal=True, files=[upload]
        )
        assign_request(request=request, assignee=make_staff("approver"), actor=actor_of(approver))
    browser.get(review_url(request))

    with django_assert_num_queries(22):
        browser.get(review_url(request))


def test_approval_carries_conditions(browser: Client) -> None:
    request = make_request()
    form = {"move": "approve", "comment": "Fine", "conditions": "Add terms\n\nName a contact\n"}

    browser.post(reverse("admin:approvals_decide", args=[request.pk]), form)

    request.refresh_from_db()
    assert request.conditions == ["Add terms", "Name a contact"]
    assert "Name a contact" in browser.get(review_url(request)).content.decode()


def test_handling_assigns_and_changes_the_priority_and_history_tells_before_and_after(
    browser: Client, approver: User
) -> None:
    request = make_request()
    form = {"assignee": str(approver.pk), "priority": "high"}

    browser.post(reverse("admin:approvals_handle", args=[request.pk]), form)
    text = browser.get(review_url(request)).content.decode()

    request.refresh_from_db()
    assert (request.assignee, request.priority) == (approver, "high")
    assert "<del>normal</del> → <ins>high</ins>" in text
    assert f"<ins>{approver.get_full_name()}</ins>" in text


def test_unsuitable_assignee_is_refused_at_the_field(browser: Client) -> None:
    request = make_request()
    own = make_staff("approver")
    ApprovalRequest.objects.filter(pk=request.pk).update(requested_by=own)
    form = {"assignee": str(own.pk), "priority": "normal"}

    text = browser.post(reverse("admin:approvals_handle", args=[request.pk]), form).content.decode()

    assert "You may not decide your own" in text
    request.refresh_from_db()
    assert request.assignee is None


def test_comment_with_a_file_can_be_downloaded_by_reviewers_only(
    browser: Client, client_for: Callable[..., Client]
) -> None:
    request = make_request()
    upload = SimpleUploadedFile("licence.txt", b"we may sell this")
    form = {"comment": "See the licence", "is_internal": "on", "files": upload}

    browser.post(reverse("admin:approvals_comment", args=[request.pk]), form)
    file = ApprovalAttachment.objects.get()
    url = reverse("admin:approvals_attachment", args=[request.pk, file.public_id])

    assert "licence.txt" in browser.get(review_url(request)).content.decode()
    assert browser.get(url).content == b"we may sell this"
    assert client_for(make_staff("finance")).get(url).status_code == 403


def test_refused_file_keeps_what_was_typed(browser: Client) -> None:
    request = make_request()
    upload = SimpleUploadedFile("tool.exe", b"MZ\x00\x01")

    text = browser.post(
        reverse("admin:approvals_comment", args=[request.pk]),
        {"comment": "See the tool", "files": upload},
    ).content.decode()

    assert "is neither PDF, PNG, JPEG, JSON nor plain text." in text
    assert "See the tool" in text
    assert not request.comments.exists()


def test_review_shows_earlier_requests_and_facts_of_the_organization(
    browser: Client, approver: User
) -> None:
    request = make_request()
    earlier = make_request(status="rejected", decision_comment="Terms are missing")
    ApprovalRequest.objects.filter(pk=earlier.pk).update(subject_id=request.subject_id)

    text = browser.get(review_url(request)).content.decode()

    assert "Terms are missing" in text
    assert "not verified" in text
    assert "1, of which 0 live" in text


# --- figures, deadlines, hours -------------------------------------------------------------------


def test_statistics_show_figures_of_the_chosen_period(browser: Client, approver: User) -> None:
    for hours in (2, 4):
        approve_request(
            request=make_older(make_request(), timedelta(hours=hours)),
            actor=actor_of(approver),
            comment="Fine",
        )
    old = make_older(make_request(), timedelta(days=20))

    week = browser.get(f"{STATISTICS}?days=7").context
    quarter = browser.get(f"{STATISTICS}?days=90").context

    assert (week["found"].requested, quarter["found"].requested) == (2, 3)
    assert week["found"].decided == 2
    assert old.is_open
    text = browser.get(f"{STATISTICS}?days=7").content.decode()
    assert "3.0 h" in text
    assert "100%" in text
    assert "The same as a table" in text


@pytest.mark.parametrize("days", ["", "1", "x", "-7", "9999999999"])
def test_statistics_take_30_days_where_the_period_is_none_of_theirs(
    browser: Client, days: str
) -> None:
    assert browser.get(STATISTICS, {"days": days, "subject_type": "x"}).context["days"] == 30


def test_statistics_are_for_reviewers(client_for: Callable[..., Client]) -> None:
    assert client_for(make_staff("finance")).get(STATISTICS).status_code == 403


def test_operator_adds_a_policy_for_a_subject(operator: Client) -> None:
    form = {
        "subject_type": "apis.api_update",
        "priority": "urgent",
        "response_hours": 1,
        "resolution_hours": 4,
        "escalate_to": "operator",
    }
    SlaPolicy.objects.filter(subject_type="apis.api_update").delete()

    answer = operator.post(reverse("admin:approvals_slapolicy_add"), form)

    assert answer.status_code == 302
    assert SlaPolicy.objects.get(subject_type="apis.api_update").resolution_hours == 4
    assert AuditEvent.objects.filter(action="approvals:sla_policy:set").count() == 1


def test_response_after_the_decision_is_refused(operator: Client) -> None:
    policy = SlaPolicy.objects.get(subject_type="", priority="normal")
    form = {
        "priority": "normal",
        "response_hours": 9,
        "resolution_hours": 8,
        "escalate_to": "operator",
    }

    url = reverse("admin:approvals_slapolicy_change", args=[policy.pk])
    text = operator.post(url, form).content.decode()

    assert "A response must come before the decision." in text


def test_operator_writes_working_hours_as_lines(operator: Client) -> None:
    calendar = BusinessCalendar.objects.get(name="default")
    url = reverse("admin:approvals_businesscalendar_change", args=[calendar.pk])
    form = {
        "timezone": "Europe/Berlin",
        "weekday_hours": "Mon: 09:00-12:00, 13:00-17:00\nfri 09:00-15:00",
        "holidays": "2026-12-25\n2026-12-26",
    }

    assert operator.post(url, form).status_code == 302

    calendar.refresh_from_db()
    assert calendar.weekday_hours == {"mon": ["09:00-12:00", "13:00-17:00"], "fri": ["09:00-15:00"]}
    assert calendar.holidays == ["2026-12-25", "2026-12-26"]
    assert "mon 09:00-12:00, 13:00-17:00" in operator.get(url).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("timezone", "Mars/North", "This is not a time zone"),
        ("weekday_hours", "someday 09:00-12:00", "is no weekday"),
        ("weekday_hours", "mon 9-25", "is no range of hours"),
        ("holidays", "Christmas", "is no date"),
    ],
)
def test_bad_working_hours_are_refused_by_field(
    operator: Client, field: str, value: str, reason: str
) -> None:
    calendar = BusinessCalendar.objects.get(name="default")
    url = reverse("admin:approvals_businesscalendar_change", args=[calendar.pk])
    form = {"timezone": "UTC", "weekday_hours": "mon 09:00-17:00", "holidays": "", field: value}

    answer = operator.post(url, form)

    assert reason in str(answer.context["adminform"].form.errors[field])


def test_approver_reads_working_hours_and_may_not_change_them(browser: Client) -> None:
    calendar = BusinessCalendar.objects.get(name="default")
    url = reverse("admin:approvals_businesscalendar_change", args=[calendar.pk])

    assert browser.get(url).status_code == 200
    assert browser.post(url, {"timezone": "Europe/Berlin"}).status_code == 403

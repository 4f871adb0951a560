"""When requests are due: policies, business hours, pauses, priorities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.apis.models import Api
from apps.approvals import services
from apps.approvals.deadlines import Pause, deadlines_for, find_policy, get_calendar
from apps.approvals.enums import Priority
from apps.approvals.models import ApprovalRequest, BusinessCalendar, SlaPolicy
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, InvalidInput, InvalidTransition
from apps.core.models import AuditEvent
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.approvals import make_older, make_request

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def approver() -> Actor:
    return actor_of(make_staff("approver"))


def make_policy(priority: str = "normal", **terms: object) -> SlaPolicy:
    policy, _is_new = SlaPolicy.objects.update_or_create(
        subject_type="apis.api",
        priority=priority,
        defaults={
            "response_hours": 2,
            "resolution_hours": 10,
            "escalate_after_hours": None,
            "uses_business_hours": False,
            "expires_after_days": None,
            **terms,
        },
    )
    return policy


@pytest.mark.parametrize(
    ("subject_type", "priority", "response", "resolution"),
    [
        ("apis.api", "high", 4, 24),
        ("apis.api", "normal", 8, 72),
        ("billing.refund", "urgent", 1, 8),
        ("accounts.provider_verification", "normal", 12, 96),
        ("something.else", "urgent", 1, 8),
        ("something.else", "normal", 8, 72),
    ],
)
def test_known_subjects_have_seeded_terms_and_others_the_default(
    subject_type: str, priority: str, response: int, resolution: int
) -> None:
    policy = find_policy(subject_type, priority)

    assert (policy.response_hours, policy.resolution_hours) == (response, resolution)


def test_request_gets_all_its_deadlines_from_the_policy() -> None:
    make_policy(escalate_after_hours=6, expires_after_days=5)

    request = make_request()

    start = request.created_at
    assert request.due_at - start == 10 * HOUR
    assert request.response_due_at == start + 2 * HOUR
    assert request.escalate_at == start + 6 * HOUR
    assert request.expires_at == start + timedelta(days=5)


def test_without_a_time_of_its_own_escalation_comes_when_the_decision_is_overdue() -> None:
    make_policy()

    request = make_request()

    assert request.escalate_at == request.due_at
    assert request.expires_at is None


def test_deadlines_count_business_hours_where_the_policy_says_so() -> None:
    policy = make_policy(resolution_hours=72, response_hours=8, uses_business_hours=True)

    found = deadlines_for(policy, start=MONDAY)

    assert found.response_due_at == MONDAY + 8 * HOUR
    assert found.due_at == datetime(2026, 11, 26, 17, tzinfo=UTC)


def test_holidays_of_the_calendar_put_deadlines_off() -> None:
    calendar = get_calendar()
    calendar.holidays = ["2026-11-17"]
    services.set_business_calendar(calendar=calendar, actor=actor_of(make_staff("operator")))
    policy = make_policy(uses_business_hours=True)

    assert deadlines_for(policy, start=MONDAY).due_at == datetime(2026, 11, 18, 11, tzinfo=UTC)


def test_pause_in_business_hours_keeps_what_was_left() -> None:
    policy = make_policy(uses_business_hours=True)
    asked, answered = MONDAY + 6 * HOUR, datetime(2026, 11, 21, 12, tzinfo=UTC)

    found = deadlines_for(policy, start=MONDAY, pauses=(Pause(asked, answered),))

    # Four of ten hours are left, and the answer came on a Saturday.
    assert found.due_at == datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert found.response_due_at == MONDAY + 2 * HOUR


def test_question_stops_the_clock_and_answer_starts_it(approver: Actor) -> None:
    make_policy(escalate_after_hours=8)
    member = make_member("developer")
    request = make_request(member)
    services.request_information(request=request, actor=approver, question="Which data?")
    due_at = make_older(request, 50 * HOUR).due_at

    assert request.is_overdue is False
    with pytest.raises(InvalidTransition):
        services.approve_request(request=request, actor=approver, comment="Yes")
    services.provide_information(request=request, actor=actor_of(member), answer="Public data")

    request.refresh_from_db()
    assert request.status == "pending"
    assert timedelta() <= request.due_at - due_at - 50 * HOUR < timedelta(minutes=1)
    assert request.due_at - (request.escalate_at or request.due_at) == 2 * HOUR
    assert [comment.body for comment in request.comments.all()] == ["Which data?", "Public data"]


def test_answer_does_not_heal_a_deadline_that_was_missed_before(approver: Actor) -> None:
    make_policy()
    member = make_member("developer")
    request = make_older(make_request(member), 11 * HOUR)
    services.request_information(request=request, actor=approver, question="Which?")

    services.provide_information(request=request, actor=actor_of(member), answer="These")

    answered = ApprovalRequest.objects.get()
    assert (answered.due_at, answered.is_overdue) == (request.due_at, True)


def test_change_of_priority_counts_anew_from_the_start_with_its_pauses(approver: Actor) -> None:
    make_policy()
    make_policy("urgent", resolution_hours=3, response_hours=1)
    member = make_member("developer")
    request = make_request(member)
    services.request_information(request=request, actor=approver, question="Which?")
    make_older(request, 5 * HOUR)
    services.provide_information(request=request, actor=actor_of(member), answer="These")

    services.change_priority(
        request=request, priority=Priority.URGENT, actor=approver, comment="A customer waits"
    )

    request.refresh_from_db()
    assert request.priority == "urgent"
    late = request.due_at - request.created_at - 8 * HOUR
    assert timedelta() <= late < timedelta(minutes=1)
    line = request.history.get(action="priority_changed")
    assert (line.before["priority"], line.after["priority"]) == ("normal", "urgent")
    assert line.comment == "A customer waits"


def test_lower_priority_takes_back_the_note_of_a_missed_deadline(approver: Actor) -> None:
    make_policy(resolution_hours=2, response_hours=1)
    make_policy("low", resolution_hours=90)
    request = make_older(make_request(), 3 * HOUR)
    services.apply_sla(actor=Actor.system("test"))
    escalated = ApprovalRequest.objects.get()
    assert escalated.breached_at == request.due_at

    services.change_priority(request=escalated, priority=Priority.LOW, actor=approver)

    lowered = ApprovalRequest.objects.get()
    assert lowered.breached_at is None
    assert lowered.due_at > clock.now()


def test_same_priority_writes_nothing(approver: Actor) -> None:
    request = make_request()

    services.change_priority(request=request, priority=Priority.NORMAL, actor=approver)

    assert not request.history.filter(action="priority_changed").exists()


def test_moving_past_the_deadline_puts_a_request_into_the_overdue_list() -> None:
    request = make_request()
    assert not request.is_overdue

    assert make_older(request, timedelta(days=60)).is_overdue


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"weekday_hours": {"mon": ["9 to 5"]}}, "weekday_hours"),
        ({"holidays": ["soon"]}, "holidays"),
    ],
)
def test_bad_calendar_is_refused_and_nothing_changes(change: dict[str, object], field: str) -> None:
    calendar = get_calendar()
    for name, value in change.items():
        setattr(calendar, name, value)

    with pytest.raises(InvalidInput) as caught:
        services.set_business_calendar(calendar=calendar, actor=actor_of(make_staff("operator")))

    assert caught.value.field == field
    assert BusinessCalendar.objects.get().timezone == "UTC"
    assert not AuditEvent.objects.filter(action="approvals:business_calendar:set").exists()


def test_calendar_is_the_operators_business(approver: Actor) -> None:
    with pytest.raises(Forbidden):
        services.set_business_calendar(calendar=get_calendar(), actor=approver)


def test_expiry_takes_no_notice_of_pauses(approver: Actor) -> None:
    make_policy(expires_after_days=3)
    request = make_request()
    services.request_information(request=request, actor=approver, question="Which?")
    make_older(request, timedelta(days=3, minutes=1))

    services.expire_requests(actor=Actor.system("test"))

    assert ApprovalRequest.objects.get().status == "expired"
    assert Api.objects.get(pk=request.subject_id).status == "draft"
    assert list(request.history.values_list("action", flat=True)) == [
        "requested",
        "info_requested",
        "pending",
        "expired",
    ]

"""Assignment, claims, escalation and the SLA job."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.apis.models import Api
from apps.approvals import services
from apps.approvals.enums import Priority
from apps.approvals.exceptions import AlreadyAssigned, RequestClosed, UnsuitableAssignee
from apps.approvals.models import ApprovalRequest, SlaPolicy
from apps.approvals.selectors import list_assignable_staff
from apps.approvals.services import SlaRun
from apps.approvals.tasks import apply_sla, expire_requests
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, InvalidTransition
from apps.core.models import AuditEvent
from tests.factories.accounts import MembershipFactory, actor_of, make_member, make_staff
from tests.factories.approvals import make_older, make_request

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
LONG = timedelta(days=90)


@pytest.fixture
def person() -> User:
    return make_staff("approver")


@pytest.fixture
def approver(person: User) -> Actor:
    return actor_of(person)


def test_assign_request_names_who_and_is_a_response(approver: Actor) -> None:
    request, colleague = make_request(), make_staff("approver")

    services.assign_request(request=request, assignee=colleague, actor=approver)

    request.refresh_from_db()
    assert request.assignee == colleague
    assert request.first_response_at is not None
    line = request.history.get(action="assigned")
    assert (line.before, line.after) == (
        {"assignee_id": None},
        {"assignee_id": str(colleague.pk)},
    )
    assert AuditEvent.objects.filter(action="approvals:request:assigned").count() == 1


def test_assigning_to_the_same_person_writes_nothing(approver: Actor, person: User) -> None:
    request = make_request()
    for _ in range(2):
        services.assign_request(request=request, assignee=person, actor=approver)

    assert request.history.filter(action="assigned").count() == 1


def test_assigning_to_nobody_gives_it_back(approver: Actor, person: User) -> None:
    request = make_request()
    services.assign_request(request=request, assignee=person, actor=approver)

    services.assign_request(request=request, assignee=None, actor=approver)

    assert ApprovalRequest.objects.get().assignee is None


def test_only_who_may_decide_is_assigned(approver: Actor) -> None:
    member = make_member("owner")
    request = make_request(member)
    colleague_of_requester = make_staff("approver")
    MembershipFactory(organization=request.organization, user=colleague_of_requester, role="viewer")

    for unsuitable in (make_staff("operator"), member.user, colleague_of_requester):
        with pytest.raises(UnsuitableAssignee) as caught:
            services.assign_request(request=request, assignee=unsuitable, actor=approver)
        assert caught.value.field == "assignee"

    assert ApprovalRequest.objects.get().assignee is None


def test_operator_can_be_assigned_what_was_escalated(approver: Actor) -> None:
    request, operator = make_request(), make_staff("operator")
    services.escalate_request(request=request, actor=approver, reason="Law")

    services.assign_request(request=request, assignee=operator, actor=approver)

    assert ApprovalRequest.objects.get().assignee == operator


def test_closed_request_is_not_assigned_or_made_urgent(approver: Actor, person: User) -> None:
    request = make_request()
    services.reject_request(request=request, actor=approver, comment="No")

    with pytest.raises(RequestClosed):
        services.assign_request(request=request, assignee=person, actor=approver)
    with pytest.raises(RequestClosed):
        services.change_priority(request=request, priority=Priority.URGENT, actor=approver)


def test_claim_takes_what_nobody_has(approver: Actor, person: User) -> None:
    request = make_request()

    services.claim_request(request=request, actor=approver)

    assert ApprovalRequest.objects.get().assignee == person
    with pytest.raises(AlreadyAssigned):
        services.claim_request(request=request, actor=actor_of(make_staff("approver")))


def test_members_do_not_assign() -> None:
    member = make_member("owner")
    request = make_request(member)

    with pytest.raises(Forbidden):
        services.assign_request(request=request, assignee=None, actor=actor_of(member))


def test_policy_assigns_new_requests_unless_the_person_may_not(person: User) -> None:
    SlaPolicy.objects.filter(subject_type="apis.api").update(default_assignee=person)
    own = make_member("owner")
    MembershipFactory(organization=own.organization, user=person, role="viewer")

    taken, refused = make_request(), make_request(own)

    taken.refresh_from_db()
    refused.refresh_from_db()
    assert (taken.assignee, refused.assignee) == (person, None)
    assert taken.first_response_at is None


def test_assignable_staff_are_those_who_work_in_the_queue(person: User) -> None:
    operator, boss = make_staff("operator"), make_staff(is_superuser=True)
    make_staff("finance"), make_member("owner")
    gone = make_staff("approver")
    User.objects.filter(pk=gone.pk).update(is_active=False)

    assert set(list_assignable_staff()) == {person, operator, boss}


def test_escalation_leaves_its_assignee_for_the_role(approver: Actor, person: User) -> None:
    request = make_request()
    services.assign_request(request=request, assignee=person, actor=approver)

    services.escalate_request(request=request, actor=approver, reason="Law")

    request.refresh_from_db()
    assert (request.assignee, request.escalated_to_role) == (None, "operator")
    assert request.escalated_at is not None


def test_escalation_to_a_person_assigns_them(approver: Actor) -> None:
    request, operator = make_request(), make_staff("operator")

    services.escalate_request(request=request, actor=approver, reason="Law", assignee=operator)

    assert ApprovalRequest.objects.get().assignee == operator


def test_escalation_to_somebody_who_may_not_decide_changes_nothing(approver: Actor) -> None:
    request, finance = make_request(), make_staff("finance")

    with pytest.raises(UnsuitableAssignee):
        services.escalate_request(request=request, actor=approver, reason="Law", assignee=finance)

    assert ApprovalRequest.objects.get().status == "pending"


@pytest.mark.parametrize("who", ["operator", "superuser"])
def test_escalated_request_is_decided_by_the_role_and_by_superusers(
    approver: Actor, who: str
) -> None:
    decider = make_staff(is_superuser=True) if who == "superuser" else make_staff(who)
    request = make_request()
    services.escalate_request(request=request, actor=approver, reason="Law")

    services.reject_request(request=request, actor=actor_of(decider), comment="Unlawful")

    assert ApprovalRequest.objects.get().status == "rejected"


def test_escalated_request_is_not_asked_about(approver: Actor) -> None:
    request = make_request()
    services.escalate_request(request=request, actor=approver, reason="Law")

    with pytest.raises(InvalidTransition):
        services.request_information(request=request, actor=approver, question="Why?")


def test_sla_job_notes_and_escalates_what_is_late_once() -> None:
    late, fresh = make_older(make_request(), LONG), make_request()

    first, second = services.apply_sla(actor=SYSTEM), services.apply_sla(actor=SYSTEM)

    assert (first, second) == (SlaRun(breached=1, escalated=1), SlaRun(breached=0, escalated=0))
    late.refresh_from_db()
    fresh.refresh_from_db()
    assert (late.status, late.priority, late.escalated_to_role) == (
        "escalated",
        "urgent",
        "operator",
    )
    assert (late.breached_at, late.response_breached_at) == (late.due_at, late.response_due_at)
    assert fresh.status == "pending"
    actions = list(late.history.values_list("action", flat=True))
    assert actions == ["requested", "sla_breached", "escalated"]


def test_sla_job_escalates_before_the_deadline_where_the_policy_says_so() -> None:
    SlaPolicy.objects.filter(subject_type="apis.api", priority="high").update(
        resolution_hours=24, escalate_after_hours=2, escalate_to="approver"
    )
    request = make_older(make_request(priority=Priority.HIGH), timedelta(hours=3))

    run = services.apply_sla(actor=SYSTEM)

    request.refresh_from_db()
    assert run == SlaRun(breached=0, escalated=1)
    assert (request.status, request.breached_at) == ("escalated", None)
    assert request.escalated_to_role == "approver"


def test_sla_job_notes_a_missing_response_unless_there_was_one(approver: Actor) -> None:
    SlaPolicy.objects.filter(subject_type="apis.api", priority="high").update(
        response_hours=1, resolution_hours=24, escalate_after_hours=None
    )
    silent, answered = (make_request(priority=Priority.HIGH) for _ in range(2))
    services.add_comment(request=answered, actor=approver, body="Soon", is_internal=False)
    for request in (silent, answered):
        make_older(request, timedelta(hours=2))

    services.apply_sla(actor=SYSTEM)

    silent.refresh_from_db()
    answered.refresh_from_db()
    assert silent.response_breached_at == silent.response_due_at
    assert (silent.breached_at, answered.response_breached_at) == (None, None)


def test_sla_job_leaves_waiting_requests_alone(approver: Actor) -> None:
    request = make_request()
    services.request_information(request=request, actor=approver, question="Which?")
    make_older(request, LONG)

    assert services.apply_sla(actor=SYSTEM) == SlaRun(breached=0, escalated=0)


def test_expiry_closes_only_what_its_policy_lets_expire() -> None:
    forever = make_older(make_request(), LONG)
    SlaPolicy.objects.filter(subject_type="apis.api").update(expires_after_days=30)
    old, young = make_older(make_request(), LONG), make_request()

    assert services.expire_requests(actor=SYSTEM) == 1

    statuses = {row.pk: row.status for row in ApprovalRequest.objects.all()}
    assert statuses == {forever.pk: "pending", old.pk: "expired", young.pk: "pending"}


def test_subject_that_refuses_to_expire_does_not_stop_the_others() -> None:
    SlaPolicy.objects.filter(subject_type="apis.api").update(expires_after_days=30)
    stuck, other = (make_older(make_request(), LONG) for _ in range(2))
    Api.objects.filter(pk=stuck.subject_id).update(status="retired")

    assert services.expire_requests(actor=SYSTEM) == 1

    assert ApprovalRequest.objects.get(pk=stuck.pk).status == "pending"
    assert ApprovalRequest.objects.get(pk=other.pk).status == "expired"


def test_requester_withdraws_while_a_question_waits(approver: Actor) -> None:
    member = make_member("developer")
    request = make_request(member)
    services.request_information(request=request, actor=approver, question="Which?")

    services.cancel_request(request=request, actor=actor_of(member))

    request.refresh_from_db()
    assert (request.status, request.waiting_since) == ("cancelled", None)


@pytest.mark.django_db(transaction=True)
def test_jobs_report_what_they_did() -> None:
    make_older(make_request(), LONG)

    assert apply_sla.apply().get() == {"breached": 1, "escalated": 1}
    assert expire_requests.apply().get() == {"expired": 0}


def test_request_from_before_the_policies_escalates_when_it_is_overdue() -> None:
    old = make_older(make_request(), LONG)
    ApprovalRequest.objects.filter(pk=old.pk).update(escalate_at=None)

    assert services.apply_sla(actor=SYSTEM).escalated == 1


def test_policies_are_the_operators_business(approver: Actor) -> None:
    policy = SlaPolicy.objects.get(subject_type="", priority="low")
    policy.resolution_hours = 200

    with pytest.raises(Forbidden):
        services.set_sla_policy(policy=policy, actor=approver, before={})
    services.set_sla_policy(
        policy=policy, actor=actor_of(make_staff("operator")), before={"resolution_hours": 120}
    )

    event = AuditEvent.objects.get(action="approvals:sla_policy:set")
    assert (event.before["resolution_hours"], event.after["resolution_hours"]) == (120, 200)

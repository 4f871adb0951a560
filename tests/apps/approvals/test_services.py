"""Decisions: who may take them, what they leave behind, when they are due."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.models import Membership
from apps.apis.models import Api
from apps.approvals import services
from apps.approvals.enums import Priority
from apps.approvals.exceptions import AlreadyRequested, CommentRequired, OwnSubmission
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import Submission
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, InvalidTransition, NotFound
from apps.core.models import AuditEvent
from tests.factories.accounts import MembershipFactory, actor_of, make_member, make_staff
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def approver() -> Actor:
    return actor_of(make_staff("approver"))


def test_approve_request_decides_and_carries_out(approver: Actor) -> None:
    request = make_request()

    services.approve_request(request=request, actor=approver, comment="Fine")

    request.refresh_from_db()
    assert (request.status, request.decision_comment) == ("approved", "Fine")
    assert request.decided_by_id == approver.user_id
    assert Api.objects.get(pk=request.subject_id).status == "registering"
    row = request.history.get(action="approved")
    assert (row.before["status"], row.after["status"], row.actor_user_id) == (
        "pending",
        "approved",
        approver.user_id,
    )
    assert AuditEvent.objects.filter(action="approvals:request:approved").count() == 1


def test_reject_request_needs_a_reason(approver: Actor) -> None:
    request = make_request()

    with pytest.raises(CommentRequired):
        services.reject_request(request=request, actor=approver, comment="  ")

    assert ApprovalRequest.objects.get(pk=request.pk).status == "pending"
    assert Api.objects.get(pk=request.subject_id).status == "pending_approval"


def test_decided_request_cannot_be_decided_again(approver: Actor) -> None:
    request = make_request()
    services.reject_request(request=request, actor=approver, comment="No")

    with pytest.raises(InvalidTransition):
        services.approve_request(request=request, actor=approver, comment="Yes")

    assert Api.objects.get(pk=request.subject_id).status == "rejected"


def test_failing_handler_leaves_the_request_open(approver: Actor) -> None:
    request = make_request()
    Api.objects.filter(pk=request.subject_id).update(status="draft")

    with pytest.raises(InvalidTransition):
        services.approve_request(request=request, actor=approver, comment="Yes")

    assert ApprovalRequest.objects.get(pk=request.pk).status == "pending"
    assert not AuditEvent.objects.filter(action="approvals:request:approved").exists()


def test_second_open_request_about_a_subject_is_refused() -> None:
    member = make_member("owner")
    request = make_request(member)
    again = Submission(
        subject_type=request.subject_type,
        subject_id=request.subject_id,
        organization=member.organization,
        title="Again",
    )

    with pytest.raises(AlreadyRequested):
        services.open_request(submission=again, actor=actor_of(member))

    assert ApprovalRequest.objects.count() == 1


def test_colleague_of_the_requester_may_not_decide() -> None:
    request = make_request()
    colleague = make_staff("approver")
    MembershipFactory(organization=request.organization, user=colleague, role="viewer")

    with pytest.raises(OwnSubmission):
        services.approve_request(request=request, actor=actor_of(colleague), comment="Yes")


def test_requester_with_a_staff_role_may_not_decide() -> None:
    member = make_member("owner", is_staff=True, is_superuser=True)
    request = make_request(member)

    with pytest.raises(OwnSubmission):
        services.approve_request(request=request, actor=actor_of(member), comment="Yes")


@pytest.mark.parametrize("role", ["finance", "operator"])
def test_other_staff_may_not_decide_pending_requests(role: str) -> None:
    request = make_request()

    with pytest.raises(Forbidden):
        services.approve_request(request=request, actor=actor_of(make_staff(role)), comment="Yes")


@pytest.mark.parametrize("role", ["approver", "operator"])
def test_escalated_request_becomes_urgent_and_is_decided(approver: Actor, role: str) -> None:
    request = make_request(priority=Priority.LOW)
    due_at = request.due_at

    services.escalate_request(request=request, actor=approver, reason="Needs a lawyer")
    request.refresh_from_db()
    assert (request.status, request.priority, request.due_at) == ("escalated", "urgent", due_at)
    services.approve_request(request=request, actor=actor_of(make_staff(role)), comment="Yes")

    assert ApprovalRequest.objects.get(pk=request.pk).status == "approved"


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (lambda _member: make_member("owner"), NotFound),
        (lambda member: make_member("viewer", member.organization), Forbidden),
    ],
)
def test_only_the_requesters_side_withdraws(
    who: Callable[[Membership], Membership], error: type[Exception]
) -> None:
    member = make_member("developer")
    request = make_request(member)

    with pytest.raises(error):
        services.cancel_request(request=request, actor=actor_of(who(member)))

    assert ApprovalRequest.objects.get(pk=request.pk).status == "pending"


def test_provider_may_not_write_internal_comments() -> None:
    member = make_member("developer")
    request = make_request(member)

    with pytest.raises(Forbidden):
        services.add_comment(request=request, actor=actor_of(member), body="x", is_internal=True)


def test_expired_request_hands_the_api_back() -> None:
    request = make_request()

    services.expire_request(request=request, actor=Actor.system("sla"))

    assert Api.objects.get(pk=request.subject_id).status == "draft"

"""Who may decide, and who may speak for the requester."""

from __future__ import annotations

from apps.accounts.enums import StaffRole
from apps.accounts.models import Membership
from apps.approvals.enums import REVIEW_ROLES, ApprovalStatus
from apps.approvals.exceptions import OwnSubmission
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import handler_of
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, NotFound


def can_review(actor: Actor) -> bool:
    """Whether the actor works in the queue: approvers and operators."""
    return actor.has_staff_role(*REVIEW_ROLES)


def require_can_decide(request: ApprovalRequest, actor: Actor) -> None:
    """Refuse actors who may not decide this request.

    Approvers decide; an escalated request may be decided by the role that it was escalated to, too. Nobody decides a request that they
    made, or that an organization made of which they are a member.

    Raises:
        Forbidden: not an approver, or the subject's handler refuses.
        OwnSubmission: the actor belongs to the requesting side.
    """
    roles = [StaffRole.APPROVER]
    if request.status == ApprovalStatus.ESCALATED:
        roles.append(StaffRole(request.escalated_to_role or StaffRole.OPERATOR))
    if not actor.has_staff_role(*roles):
        raise Forbidden
    if is_own_submission(request, actor):
        raise OwnSubmission
    if not handler_of(request.subject_type).may_decide(request, actor):
        raise Forbidden


def is_own_submission(request: ApprovalRequest, actor: Actor) -> bool:
    """Whether the actor made the request or belongs to the organization that did."""
    if actor.user_id is None:
        return False
    if actor.user_id == request.requested_by_id:
        return True
    return Membership.objects.filter(
        organization_id=request.organization_id, user_id=actor.user_id
    ).exists()


def require_can_answer(request: ApprovalRequest, actor: Actor) -> None:
    """Refuse actors who may not speak for the requester.

    Raises:
        NotFound: another organization's request.
        Forbidden: the member's role lacks the permission that the subject asks for.
    """
    if actor.is_system:
        return
    if actor.organization_id != request.organization_id:
        raise NotFound
    if not actor.can(handler_of(request.subject_type).permission):
        raise Forbidden

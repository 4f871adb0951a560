"""Who may decide, and who may speak for the requester."""

from __future__ import annotations

from apps.accounts.enums import StaffRole
from apps.accounts.models import Membership
from apps.approvals.enums import REVIEW_ROLES, ApprovalStatus
from apps.approvals.exceptions import OwnSubmission
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import delegated_handler_of, handler_of
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, NotFound


def can_review(actor: Actor) -> bool:
    """Whether the actor works in the queue: approvers and operators."""
    return actor.has_staff_role(*REVIEW_ROLES)


def require_can_decide(request: ApprovalRequest, actor: Actor) -> None:
    """Refuse actors who may not decide this request.

    Approvers decide; an escalated request may be decided by the role that it was escalated to, too. A request with a deciding
    organization is decided by its members who hold the handler's `decide_permission`, and by staff only once it is escalated.
    Nobody decides a request that they made, or that an organization made of which they are a member.

    Raises:
        Forbidden: not an approver, or the subject's handler refuses.
        OwnSubmission: the actor belongs to the requesting side.
    """
    if not (_decides_as_staff(request, actor) or speaks_for_deciders(request, actor)):
        raise Forbidden
    if is_own_submission(request, actor):
        raise OwnSubmission
    if not handler_of(request.subject_type).may_decide(request, actor):
        raise Forbidden


def speaks_for_deciders(request: ApprovalRequest, actor: Actor) -> bool:
    """Whether the actor works in the deciding organization and holds the permission to decide there."""
    if request.deciding_organization_id is None or actor.is_system:
        return False
    if actor.organization_id != request.deciding_organization_id:
        return False
    return actor.can(delegated_handler_of(request.subject_type).decide_permission)


def is_own_submission(request: ApprovalRequest, actor: Actor) -> bool:
    """Whether the actor made the request or belongs to the organization that did."""
    if actor.user_id is None:
        return False
    if actor.user_id == request.requested_by_id:
        return True
    if request.organization_id is None:
        return False
    return Membership.objects.filter(
        organization_id=request.organization_id, user_id=actor.user_id
    ).exists()


def is_requesters_side(request: ApprovalRequest, actor: Actor) -> bool:
    """Whether the actor works where the request was made; for a person's own request: whether they made it."""
    if request.organization_id is None:
        return actor.user_id is not None and actor.user_id == request.requested_by_id
    return actor.organization_id == request.organization_id


def require_can_answer(request: ApprovalRequest, actor: Actor) -> None:
    """Refuse actors who may not speak for the requester.

    Raises:
        NotFound: another organization's request, or another person's own.
        Forbidden: the member's role lacks the permission that the subject asks for, or the actor decides.
    """
    if actor.is_system:
        return
    if not is_requesters_side(request, actor):
        raise Forbidden if _works_where_it_is_decided(request, actor) else NotFound
    if request.organization_id is None:
        return
    if not actor.can(handler_of(request.subject_type).permission):
        raise Forbidden


def _decides_as_staff(request: ApprovalRequest, actor: Actor) -> bool:
    is_escalated = request.status == ApprovalStatus.ESCALATED
    if request.deciding_organization_id is not None and not (is_escalated or actor.is_system):
        return False
    roles = [StaffRole.APPROVER]
    if is_escalated:
        roles.append(StaffRole(request.escalated_to_role or StaffRole.OPERATOR))
    return actor.has_staff_role(*roles)


def _works_where_it_is_decided(request: ApprovalRequest, actor: Actor) -> bool:
    if request.deciding_organization_id is None:
        return False
    return actor.organization_id == request.deciding_organization_id

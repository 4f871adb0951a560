"""The one way in which a request changes: locked, checked, saved, told to its history and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import ApprovalEvent
from apps.approvals.exceptions import CommentRequired, RequestClosed
from apps.approvals.models import ApprovalHistory, ApprovalRequest
from apps.approvals.permissions import (
    can_review,
    is_own_submission,
    require_can_decide,
    speaks_for_deciders,
)
from apps.approvals.transitions import APPROVAL
from apps.core import clock, events
from apps.core.actors import Actor
from apps.core.audit import record_audit

# Bookkeeping of the deadlines that would only make the history hard to read.
NOT_IN_HISTORY: Final = frozenset(
    {
        "first_response_at", "response_due_at", "uses_business_hours", "escalate_at", "escalate_to", "escalated_at",
    }
)  # fmt: skip


def lock_for(request: ApprovalRequest, wanted: ApprovalStatus) -> ApprovalRequest:
    """Return the request locked, if it may move to the wanted status.

    Raises:
        InvalidTransition: it may not; somebody else may have been faster.
    """
    locked = ApprovalRequest.objects.lock(request.pk)
    APPROVAL.require(ApprovalStatus(locked.status), wanted)
    return locked


def lock_to_decide(
    request: ApprovalRequest, wanted: ApprovalStatus, actor: Actor
) -> ApprovalRequest:
    """Return the request locked, if it may move to the wanted status and the actor may decide it.

    Who may decide depends on the status, so both are checked on the locked row.

    Raises:
        Forbidden, OwnSubmission: the actor may not decide it.
        InvalidTransition: it is decided already, or waits for the requester.
    """
    locked = ApprovalRequest.objects.lock(request.pk)
    require_can_decide(locked, actor)
    APPROVAL.require(ApprovalStatus(locked.status), wanted)
    return locked


def lock_open(request: ApprovalRequest) -> ApprovalRequest:
    """Return the request locked, if it still waits for a decision.

    Raises:
        RequestClosed: it does not.
    """
    locked = ApprovalRequest.objects.lock(request.pk)
    if not locked.is_open:
        raise RequestClosed
    return locked


def save_move(
    request: ApprovalRequest,
    *,
    status: ApprovalStatus,
    actor: Actor,
    comment: str = "",
    changes: Mapping[str, Any] | None = None,
) -> ApprovalHistory:
    """Give a locked request its new status and other changed fields, with history and audit rows."""
    wanted = {"status": status, **(changes or {})}
    return save_change(request, action=str(status), actor=actor, comment=comment, changes=wanted)


def save_change(
    request: ApprovalRequest,
    *,
    action: str,
    actor: Actor,
    changes: Mapping[str, Any],
    comment: str = "",
) -> ApprovalHistory:
    """Save changed fields of a locked request, with history and audit rows."""
    before = {
        name: getattr(request, name)
        for name, value in changes.items()
        if name not in NOT_IN_HISTORY and getattr(request, name) != value
    }
    for name, value in changes.items():
        setattr(request, name, value)
    request.save(update_fields=[*changes, "updated_at"])
    return write_history(request, action=action, actor=actor, before=before, comment=comment)


def write_history(
    request: ApprovalRequest,
    *,
    action: str,
    actor: Actor,
    before: Mapping[str, Any],
    comment: str = "",
) -> ApprovalHistory:
    """Write what changed, comparing `before` with the request as it is now."""
    after = {name: getattr(request, name) for name in before}
    audited = record_audit(
        action=f"approvals:request:{action}",
        target=request,
        actor=actor,
        before=dict(before),
        after=after,
        reason=comment,
    )
    return ApprovalHistory.objects.create(
        request=request,
        actor_user_id=actor.user_id,
        actor_label=actor.label[:200],
        action=action,
        before=audited.before,
        after=audited.after,
        comment=comment,
    )


def first_response(request: ApprovalRequest, actor: Actor) -> dict[str, Any]:
    """Return the column to set if this is the first thing that the deciding side does for the requester.

    Work of the system is no response, nor is what the requester's own colleagues do.
    """
    is_response = (
        request.first_response_at is None
        and not actor.is_system
        and (can_review(actor) or speaks_for_deciders(request, actor))
        and not is_own_submission(request, actor)
    )
    return {"first_response_at": clock.now()} if is_response else {}


def tell(event_class: type[ApprovalEvent], request: ApprovalRequest, **members: Any) -> None:
    """Publish an event about a request; events of one request are delivered in order."""
    event = event_class(
        request_id=request.pk,
        organization_id=request.organization_id,
        subject_type=request.subject_type,
        subject_id=request.subject_id,
        **members,
    )
    events.publish(event, key=str(request.pk))


def require_comment(comment: str) -> str:
    """Return the comment without blanks around it.

    Raises:
        CommentRequired: it is empty.
    """
    text = comment.strip()
    if not text:
        raise CommentRequired(field="comment")
    return text

"""The one way in which a request changes: locked, checked, saved, told to its history and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import ApprovalEvent
from apps.approvals.exceptions import CommentRequired
from apps.approvals.models import ApprovalHistory, ApprovalRequest
from apps.approvals.transitions import APPROVAL
from apps.core import events
from apps.core.actors import Actor
from apps.core.audit import record_audit


def lock_for(request: ApprovalRequest, wanted: ApprovalStatus) -> ApprovalRequest:
    """Return the request locked, if it may move to the wanted status.

    Raises:
        InvalidTransition: it may not; somebody else may have been faster.
    """
    locked = ApprovalRequest.objects.lock(request.pk)
    APPROVAL.require(ApprovalStatus(locked.status), wanted)
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
    before = {name: getattr(request, name) for name in wanted}
    for name, value in wanted.items():
        setattr(request, name, value)
    request.save(update_fields=[*wanted, "updated_at"])
    return write_history(request, action=str(status), actor=actor, before=before, comment=comment)


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

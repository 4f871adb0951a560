"""Deciding: approve, reject, or hand the question to somebody with more authority."""

from __future__ import annotations

from django.db import transaction

from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.events import ApprovalDecided, ApprovalEscalated
from apps.approvals.models import ApprovalRequest
from apps.approvals.permissions import can_review, require_can_decide
from apps.approvals.registry import handler_of
from apps.approvals.services.moves import lock_for, require_comment, save_move, tell
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden


@transaction.atomic
def approve_request(
    *, request: ApprovalRequest, actor: Actor, comment: str = ""
) -> ApprovalRequest:
    """Say yes: the handler carries it out in the same transaction.

    Raises:
        Forbidden, OwnSubmission: the actor may not decide.
        InvalidTransition: it is decided already, or waits for the requester's answer.

    Publishes: ApprovalDecided.
    """
    require_can_decide(request, actor)
    locked = lock_for(request, ApprovalStatus.APPROVED)
    _decide(locked, ApprovalStatus.APPROVED, actor=actor, comment=comment.strip())
    handler_of(locked.subject_type).on_approved(locked, actor=actor)
    return locked


@transaction.atomic
def reject_request(*, request: ApprovalRequest, actor: Actor, comment: str) -> ApprovalRequest:
    """Say no, with a reason that the requester reads.

    Raises:
        CommentRequired: no reason was given.
        Forbidden, OwnSubmission: the actor may not decide.
        InvalidTransition: it is decided already, or waits for the requester's answer.

    Publishes: ApprovalDecided.
    """
    reason = require_comment(comment)
    require_can_decide(request, actor)
    locked = lock_for(request, ApprovalStatus.REJECTED)
    _decide(locked, ApprovalStatus.REJECTED, actor=actor, comment=reason)
    handler_of(locked.subject_type).on_rejected(locked, actor=actor, comment=reason)
    return locked


@transaction.atomic
def escalate_request(*, request: ApprovalRequest, actor: Actor, reason: str) -> ApprovalRequest:
    """Ask for somebody with more authority; the request becomes urgent and can still be decided.

    Its deadline stays: escalating late work does not make it timely.

    Raises:
        CommentRequired: no reason was given.
        Forbidden: the actor does not work in the queue.
        InvalidTransition: only a pending request can be escalated.

    Publishes: ApprovalEscalated.
    """
    text = require_comment(reason)
    if not can_review(actor):
        raise Forbidden
    locked = lock_for(request, ApprovalStatus.ESCALATED)
    changes = {"priority": Priority.URGENT}
    history = save_move(
        locked, status=ApprovalStatus.ESCALATED, actor=actor, comment=text, changes=changes
    )
    tell(ApprovalEscalated, locked, history_id=history.pk, reason=text)
    return locked


def _decide(
    request: ApprovalRequest, status: ApprovalStatus, *, actor: Actor, comment: str
) -> None:
    changes = {
        "decided_at": clock.now(),
        "decided_by_id": actor.user_id,
        "decision_comment": comment,
    }
    save_move(request, status=status, actor=actor, comment=comment, changes=changes)
    tell(ApprovalDecided, request, status=str(status), comment=comment)

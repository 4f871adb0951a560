"""Talking about a request: questions that stop the clock, answers that start it again, comments."""

from __future__ import annotations

from django.db import transaction

from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import ApprovalInformationProvided, ApprovalInformationRequested
from apps.approvals.models import ApprovalComment, ApprovalRequest
from apps.approvals.permissions import can_review, require_can_answer, require_can_decide
from apps.approvals.services.moves import lock_for, require_comment, save_move, tell
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import Forbidden


@transaction.atomic
def request_information(
    *, request: ApprovalRequest, actor: Actor, question: str
) -> ApprovalRequest:
    """Ask the requester something; the SLA clock stands still until they answer.

    Raises:
        CommentRequired: the question is empty.
        Forbidden, OwnSubmission: the actor may not decide this request.
        InvalidTransition: the request is not pending.

    Publishes: ApprovalInformationRequested.
    """
    text = require_comment(question)
    require_can_decide(request, actor)
    locked = lock_for(request, ApprovalStatus.INFO_REQUESTED)
    history = save_move(locked, status=ApprovalStatus.INFO_REQUESTED, actor=actor, comment=text)
    _write_comment(locked, actor=actor, body=text, is_internal=False)
    tell(ApprovalInformationRequested, locked, history_id=history.pk, question=text)
    return locked


@transaction.atomic
def provide_information(*, request: ApprovalRequest, actor: Actor, answer: str) -> ApprovalRequest:
    """Answer the approver's question; the deadline moves by the time that the answer took.

    Raises:
        CommentRequired: the answer is empty.
        NotFound, Forbidden: not the requester's side.
        InvalidTransition: nothing was asked.

    Publishes: ApprovalInformationProvided.
    """
    text = require_comment(answer)
    require_can_answer(request, actor)
    locked = lock_for(request, ApprovalStatus.PENDING)
    asked = locked.history.filter(action=ApprovalStatus.INFO_REQUESTED).latest("created_at")
    changes = {"due_at": locked.due_at + (clock.now() - asked.created_at)}
    history = save_move(
        locked, status=ApprovalStatus.PENDING, actor=actor, comment=text, changes=changes
    )
    _write_comment(locked, actor=actor, body=text, is_internal=False)
    tell(ApprovalInformationProvided, locked, history_id=history.pk)
    return locked


@transaction.atomic
def add_comment(
    *, request: ApprovalRequest, actor: Actor, body: str, is_internal: bool
) -> ApprovalComment:
    """Say something about a request. Internal comments are written and read by the back office only.

    Raises:
        CommentRequired: it is empty.
        NotFound, Forbidden: neither the back office nor the requester's side.
    """
    text = require_comment(body)
    if not can_review(actor):
        require_can_answer(request, actor)
        if is_internal:
            raise Forbidden
    comment = _write_comment(request, actor=actor, body=text, is_internal=is_internal)
    record_audit(
        action="approvals:request:commented",
        target=request,
        actor=actor,
        after={"comment": comment.public_id, "is_internal": is_internal},
    )
    return comment


def _write_comment(
    request: ApprovalRequest, *, actor: Actor, body: str, is_internal: bool
) -> ApprovalComment:
    return ApprovalComment.objects.create(
        request=request, author_id=actor.user_id, body=body, is_internal=is_internal
    )

"""Talking about a request: questions that stop the clock, answers that start it again, comments."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.files.base import File
from django.db import transaction

from apps.approvals import deadlines
from apps.approvals.attachments import read_files
from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import (
    ApprovalCommented,
    ApprovalInformationProvided,
    ApprovalInformationRequested,
)
from apps.approvals.mentions import mentioned_staff
from apps.approvals.models import ApprovalAttachment, ApprovalComment, ApprovalRequest
from apps.approvals.permissions import (
    can_review,
    is_requesters_side,
    require_can_answer,
    speaks_for_deciders,
)
from apps.approvals.services.moves import (
    first_response,
    lock_for,
    lock_to_decide,
    require_comment,
    save_move,
    tell,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import Forbidden


@transaction.atomic
def request_information(
    *, request: ApprovalRequest, actor: Actor, question: str
) -> ApprovalRequest:
    """Ask the requester something; the SLA clocks stand still until they answer.

    Raises:
        CommentRequired: the question is empty.
        Forbidden, OwnSubmission: the actor may not decide this request.
        InvalidTransition: the request is not pending.

    Publishes: ApprovalInformationRequested.
    """
    text = require_comment(question)
    locked = lock_to_decide(request, ApprovalStatus.INFO_REQUESTED, actor)
    changes = {**first_response(locked, actor), "waiting_since": clock.now()}
    history = save_move(
        locked, status=ApprovalStatus.INFO_REQUESTED, actor=actor, comment=text, changes=changes
    )
    _write_comment(locked, actor=actor, body=text, is_internal=False)
    tell(ApprovalInformationRequested, locked, history_id=history.pk, question=text)
    return locked


@transaction.atomic
def provide_information(
    *, request: ApprovalRequest, actor: Actor, answer: str, files: Sequence[File[bytes]] = ()
) -> ApprovalRequest:
    """Answer the approver's question; the deadlines move by the time that the answer took.

    Raises:
        CommentRequired: the answer is empty.
        AttachmentRefused: see `attachments.read_files`.
        NotFound, Forbidden: not the requester's side.
        InvalidTransition: nothing was asked.

    Publishes: ApprovalInformationProvided.
    """
    text = require_comment(answer)
    require_can_answer(request, actor)
    locked = lock_for(request, ApprovalStatus.PENDING)
    history = save_move(
        locked,
        status=ApprovalStatus.PENDING,
        actor=actor,
        comment=text,
        changes=deadlines.resumed(locked),
    )
    comment = _write_comment(locked, actor=actor, body=text, is_internal=False)
    _attach(comment, files)
    tell(ApprovalInformationProvided, locked, history_id=history.pk)
    return locked


@transaction.atomic
def add_comment(
    *,
    request: ApprovalRequest,
    actor: Actor,
    body: str,
    is_internal: bool,
    files: Sequence[File[bytes]] = (),
) -> ApprovalComment:
    """Say something about a request. Internal comments are written and read by the back office only.

    Members of a deciding organization talk to the requester in public, too.

    Where staff write `@name` or `@` and the front part of an address, those colleagues are told. The requester's side
    mentions nobody: it does not know who works in the back office.

    Raises:
        CommentRequired: it is empty.
        AttachmentRefused: see `attachments.read_files`.
        NotFound, Forbidden: neither the back office nor one of the two sides.

    Publishes: ApprovalCommented.
    """
    text = require_comment(body)
    is_staff = speaks_for_staff(request, actor)
    is_decider = is_staff or speaks_for_deciders(request, actor)
    if not is_decider:
        require_can_answer(request, actor)
    if is_internal and not is_staff:
        raise Forbidden
    comment = _write_comment(request, actor=actor, body=text, is_internal=is_internal)
    attached = _attach(comment, files)
    if is_staff:
        comment.mentions.set(mentioned_staff(text, author_id=actor.user_id))
    if is_decider:
        _note_response(request, actor)
    record_audit(
        action="approvals:request:commented",
        target=request,
        actor=actor,
        after={
            "comment": comment.public_id,
            "is_internal": is_internal,
            "attachments": [file.name for file in attached],
        },
    )
    tell(ApprovalCommented, request, comment_id=comment.pk, is_from_staff=is_decider)
    return comment


def speaks_for_staff(request: ApprovalRequest, actor: Actor) -> bool:
    """Whether the actor talks as the back office: staff who work in one of the two organizations do not."""
    if not can_review(actor) or is_requesters_side(request, actor):
        return False
    deciding = request.deciding_organization_id
    return deciding is None or actor.organization_id != deciding


def _note_response(request: ApprovalRequest, actor: Actor) -> None:
    """Note that staff said something, if it is the first thing that they did."""
    changes = first_response(request, actor)
    if changes:
        rows = ApprovalRequest.objects.filter(pk=request.pk, first_response_at=None)
        rows.update(**changes, updated_at=clock.now())


def _write_comment(
    request: ApprovalRequest, *, actor: Actor, body: str, is_internal: bool
) -> ApprovalComment:
    return ApprovalComment.objects.create(
        request=request, author_id=actor.user_id, body=body, is_internal=is_internal
    )


def _attach(comment: ApprovalComment, files: Sequence[File[bytes]]) -> list[ApprovalAttachment]:
    return [
        ApprovalAttachment.objects.create(
            comment=comment,
            name=file.name,
            content_type=file.content_type,
            size_bytes=len(file.content),
            content=file.content,
        )
        for file in read_files(files)
    ]

"""Asking for a decision, and taking the question back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts.models import Organization
from apps.approvals import selectors
from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.events import ApprovalRequested
from apps.approvals.exceptions import AlreadyRequested
from apps.approvals.models import ApprovalRequest
from apps.approvals.permissions import require_can_answer
from apps.approvals.registry import handler_of
from apps.approvals.services.moves import lock_for, save_move, tell, write_history
from apps.core import clock
from apps.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Submission:
    """What should be decided. `details` are plain JSON that the handler wants to keep with the request."""

    subject_type: str
    subject_id: UUID
    organization: Organization
    title: str
    priority: Priority = Priority.NORMAL
    details: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def open_request(*, submission: Submission, actor: Actor) -> ApprovalRequest:
    """Ask for a decision; its deadline comes from the SLA policies.

    Raises:
        AlreadyRequested: the subject has an open request (also when two ask at once).
        KeyError: no handler is registered for the subject type.

    Publishes: ApprovalRequested.
    """
    handler_of(submission.subject_type)
    now = clock.now()
    request = ApprovalRequest(
        organization=submission.organization,
        subject_type=submission.subject_type,
        subject_id=submission.subject_id,
        title=submission.title[:200],
        priority=submission.priority,
        requested_by_id=actor.user_id,
        due_at=selectors.due_time(submission.subject_type, submission.priority, start=now),
        details=submission.details,
    )
    try:
        with transaction.atomic():
            request.save(force_insert=True)
    except IntegrityError:
        raise AlreadyRequested from None
    write_history(request, action="requested", actor=actor, before={})
    tell(ApprovalRequested, request)
    return request


@transaction.atomic
def cancel_request(*, request: ApprovalRequest, actor: Actor) -> ApprovalRequest:
    """Withdraw a request on its requester's side.

    Raises:
        NotFound, Forbidden: not the requester's organization, or a role that may not.
        InvalidTransition: it is decided already.
    """
    require_can_answer(request, actor)
    locked = lock_for(request, ApprovalStatus.CANCELLED)
    save_move(
        locked, status=ApprovalStatus.CANCELLED, actor=actor, changes={"decided_at": clock.now()}
    )
    handler_of(locked.subject_type).on_cancelled(locked, actor=actor)
    return locked


@transaction.atomic
def expire_request(*, request: ApprovalRequest, actor: Actor) -> ApprovalRequest:
    """Close a request that nobody decided.

    Raises:
        InvalidTransition: it is decided already.
    """
    locked = lock_for(request, ApprovalStatus.EXPIRED)
    save_move(
        locked, status=ApprovalStatus.EXPIRED, actor=actor, changes={"decided_at": clock.now()}
    )
    handler_of(locked.subject_type).on_cancelled(locked, actor=actor)
    return locked

"""Asking for a decision, and the ways in which the question ends without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts.models import Organization
from apps.approvals import deadlines
from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.events import (
    ApprovalAssigned,
    ApprovalCancelled,
    ApprovalExpired,
    ApprovalRequested,
)
from apps.approvals.exceptions import AlreadyRequested, UnsuitableAssignee
from apps.approvals.models import ApprovalRequest, SlaPolicy
from apps.approvals.permissions import require_can_answer
from apps.approvals.registry import delegated_handler_of, handler_of
from apps.approvals.selectors import find_open_request
from apps.approvals.services.moves import save_change, save_move, tell, write_history
from apps.approvals.services.planning import require_suitable
from apps.approvals.transitions import APPROVAL
from apps.core import clock
from apps.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Submission:
    """What should be decided, and for whom: an organization, or (None) the acting person themselves.

    `details` are plain JSON that the handler wants to keep with the request. A `deciding_organization` decides instead
    of the back office.
    """

    subject_type: str
    subject_id: UUID
    organization: Organization | None
    title: str
    deciding_organization: Organization | None = None
    priority: Priority = Priority.NORMAL
    details: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def open_request(*, submission: Submission, actor: Actor) -> ApprovalRequest:
    """Ask for a decision; its deadlines and its assignee come from the SLA policies.

    Raises:
        AlreadyRequested: the subject has an open request (also when two ask at once).
        KeyError: no handler is registered for the subject type.
        TypeError: its handler does not know how an organization decides.

    Publishes: ApprovalRequested, and ApprovalAssigned where the policy names somebody.
    """
    handler_of(submission.subject_type)
    if submission.deciding_organization is not None:
        delegated_handler_of(submission.subject_type)
    now = clock.now()
    policy = deadlines.find_policy(submission.subject_type, submission.priority)
    request = ApprovalRequest(
        organization=submission.organization,
        deciding_organization=submission.deciding_organization,
        subject_type=submission.subject_type,
        subject_id=submission.subject_id,
        title=submission.title[:200],
        priority=submission.priority,
        requested_by_id=actor.user_id,
        created_at=now,
        details=submission.details,
        **deadlines.deadlines_for(policy, start=now).as_fields(),
    )
    try:
        with transaction.atomic():
            request.save(force_insert=True)
    except IntegrityError as error:
        if "approvals_request_one_open" not in str(error):
            raise
        raise AlreadyRequested from None
    write_history(request, action="requested", actor=actor, before={})
    tell(ApprovalRequested, request)
    _assign_by_policy(request, policy)
    return request


def _assign_by_policy(request: ApprovalRequest, policy: SlaPolicy) -> None:
    """Give the request to whom the policy names, unless that person may not decide it."""
    person = policy.default_assignee
    if person is None:
        return
    try:
        require_suitable(request, person)
    except UnsuitableAssignee:
        return
    actor = Actor.system("approvals.sla_policy")
    history = save_change(
        request, action="assigned", actor=actor, changes={"assignee_id": person.pk}
    )
    tell(ApprovalAssigned, request, history_id=history.pk, assignee_id=person.pk)


@transaction.atomic
def cancel_request(*, request: ApprovalRequest, actor: Actor) -> ApprovalRequest:
    """Withdraw a request on its requester's side, also while it waits for their answer.

    Raises:
        NotFound, Forbidden: not the requester's organization, or a role that may not.
        InvalidTransition: it is decided already.

    Publishes: ApprovalCancelled.
    """
    require_can_answer(request, actor)
    locked = _close(request, ApprovalStatus.CANCELLED, actor)
    tell(ApprovalCancelled, locked)
    return locked


@transaction.atomic
def close_request_about(*, subject_type: str, subject_id: UUID, actor: Actor) -> None:
    """Close the open request about a subject that has ended by itself; without one nothing happens.

    The app of the subject calls it before it locks the subject, as decisions do, and its handler is not called: it knows.

    Publishes: ApprovalCancelled.
    """
    found = find_open_request(subject_type, subject_id)
    if found is None:
        return
    locked = ApprovalRequest.objects.lock(found.pk)
    if not locked.is_open:
        return  # It was decided meanwhile.
    _move_to_closed(locked, ApprovalStatus.CANCELLED, actor)
    tell(ApprovalCancelled, locked)


@transaction.atomic
def expire_request(*, request: ApprovalRequest, actor: Actor) -> ApprovalRequest:
    """Close a request that nobody decided, or whose requester never answered.

    Raises:
        InvalidTransition: it is decided already.

    Publishes: ApprovalExpired.
    """
    locked = _close(request, ApprovalStatus.EXPIRED, actor)
    tell(ApprovalExpired, locked)
    return locked


def _close(request: ApprovalRequest, status: ApprovalStatus, actor: Actor) -> ApprovalRequest:
    locked = ApprovalRequest.objects.lock(request.pk)
    _move_to_closed(locked, status, actor)
    handler_of(locked.subject_type).on_cancelled(locked, actor=actor)
    return locked


def _move_to_closed(locked: ApprovalRequest, status: ApprovalStatus, actor: Actor) -> None:
    if locked.status == ApprovalStatus.INFO_REQUESTED:
        # Nobody waits for an answer any more; only a pending request can be closed.
        save_move(
            locked, status=ApprovalStatus.PENDING, actor=actor, changes=deadlines.resumed(locked)
        )
    APPROVAL.require(ApprovalStatus(locked.status), status)
    save_move(locked, status=status, actor=actor, changes={"decided_at": clock.now()})

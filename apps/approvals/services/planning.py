"""Who decides, how urgent it is, and who decides instead."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.accounts.actors import actor_for_user
from apps.accounts.enums import StaffRole
from apps.accounts.models import User
from apps.approvals import deadlines
from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.events import ApprovalAssigned, ApprovalEscalated
from apps.approvals.exceptions import AlreadyAssigned, UnsuitableAssignee
from apps.approvals.models import ApprovalRequest
from apps.approvals.permissions import can_review, require_can_decide
from apps.approvals.services.moves import (
    first_response,
    lock_for,
    lock_open,
    require_comment,
    save_change,
    save_move,
    tell,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden


@transaction.atomic
def assign_request(
    *, request: ApprovalRequest, assignee: User | None, actor: Actor
) -> ApprovalRequest:
    """Give an open request to somebody who may decide it; None gives it back to the queue.

    Assigning what the person has already changes nothing and tells nobody.

    Raises:
        Forbidden: the actor does not work in the queue.
        UnsuitableAssignee: the person may not decide this request.
        RequestClosed: it is decided, withdrawn or expired.

    Publishes: ApprovalAssigned.
    """
    _require_reviewer(actor)
    locked = lock_open(request)
    return _assign(locked, assignee, actor)


@transaction.atomic
def claim_request(*, request: ApprovalRequest, actor: Actor) -> ApprovalRequest:
    """Take an open request that nobody has.

    Raises:
        Forbidden: the actor does not work in the queue.
        AlreadyAssigned: somebody else has it.
        UnsuitableAssignee: the actor may not decide it.
        RequestClosed: it is decided, withdrawn or expired.

    Publishes: ApprovalAssigned.
    """
    _require_reviewer(actor)
    locked = lock_open(request)
    if locked.assignee_id not in {None, actor.user_id}:
        raise AlreadyAssigned
    return _assign(locked, person_of(actor), actor)


def _assign(locked: ApprovalRequest, assignee: User | None, actor: Actor) -> ApprovalRequest:
    if assignee is not None:
        require_suitable(locked, assignee)
    wanted = assignee.pk if assignee else None
    if locked.assignee_id == wanted:
        return locked
    changes: dict[str, Any] = {"assignee_id": wanted}
    if assignee is not None:
        changes |= first_response(locked, actor)
    history = save_change(locked, action="assigned", actor=actor, changes=changes)
    tell(ApprovalAssigned, locked, history_id=history.pk, assignee_id=wanted)
    return locked


def person_of(actor: Actor) -> User:
    """Return the person who acts.

    Raises:
        Forbidden: a machine, which takes no requests.
    """
    found = User.objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if found is None:
        raise Forbidden
    return found


def require_suitable(request: ApprovalRequest, person: User) -> None:
    """Refuse an assignee who may not decide the request.

    Raises:
        UnsuitableAssignee: naming the field `assignee`.
    """
    try:
        require_can_decide(request, actor_for_user(person).as_platform())
    except Forbidden as error:
        raise UnsuitableAssignee(error.detail, field="assignee") from None


@transaction.atomic
def change_priority(
    *, request: ApprovalRequest, priority: Priority, actor: Actor, comment: str = ""
) -> ApprovalRequest:
    """Make an open request more or less urgent; its deadlines are counted anew from its start.

    Raises:
        Forbidden: the actor does not work in the queue.
        RequestClosed: it is decided, withdrawn or expired.
    """
    _require_reviewer(actor)
    locked = lock_open(request)
    if locked.priority == priority:
        return locked
    changes = {"priority": priority, **deadlines.recomputed(locked, priority)}
    save_change(
        locked, action="priority_changed", actor=actor, changes=changes, comment=comment.strip()
    )
    return locked


@transaction.atomic
def escalate_request(
    *,
    request: ApprovalRequest,
    actor: Actor,
    reason: str,
    to_role: StaffRole | str = "",
    assignee: User | None = None,
) -> ApprovalRequest:
    """Ask for somebody with more authority; the request becomes urgent and can still be decided.

    It leaves its assignee and waits for the role, by default the one of its SLA policy, or for the person named. Its
    deadline stays: escalating late work does not make it timely.

    Raises:
        CommentRequired: no reason was given.
        Forbidden: the actor does not work in the queue.
        UnsuitableAssignee: the person may not decide it.
        InvalidTransition: only a pending request can be escalated.

    Publishes: ApprovalEscalated.
    """
    text = require_comment(reason)
    _require_reviewer(actor)
    locked = lock_for(request, ApprovalStatus.ESCALATED)
    role = StaffRole(to_role or locked.escalate_to)
    changes = {
        **first_response(locked, actor),
        "priority": Priority.URGENT,
        "assignee_id": assignee.pk if assignee else None,
        "escalated_at": clock.now(),
        "escalated_to_role": role,
    }
    history = save_move(
        locked, status=ApprovalStatus.ESCALATED, actor=actor, comment=text, changes=changes
    )
    if assignee is not None:
        require_suitable(locked, assignee)
    tell(
        ApprovalEscalated,
        locked,
        history_id=history.pk,
        reason=text,
        role=str(role),
        assignee_id=locked.assignee_id,
    )
    return locked


def _require_reviewer(actor: Actor) -> None:
    if not can_review(actor):
        raise Forbidden

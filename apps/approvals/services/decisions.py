"""Deciding: approve or reject, with a comment that the requester reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import ApprovalDecided
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import handler_of
from apps.approvals.services.moves import (
    first_response,
    lock_to_decide,
    require_comment,
    save_move,
    tell,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput

MAX_CONDITIONS: Final = 20
MAX_CONDITION_LENGTH: Final = 500


@transaction.atomic
def approve_request(
    *, request: ApprovalRequest, actor: Actor, comment: str, conditions: Sequence[str] = ()
) -> ApprovalRequest:
    """Say yes: the handler carries it out in the same transaction.

    `conditions` are what the requester has to do beside, one sentence each; they are shown, not enforced.

    Raises:
        CommentRequired: no comment was given.
        InvalidInput: too many conditions, or one that is too long.
        Forbidden, OwnSubmission: the actor may not decide.
        InvalidTransition: it is decided already, or waits for the requester's answer.

    Publishes: ApprovalDecided.
    """
    text = require_comment(comment)
    wanted = _clean_conditions(conditions)
    locked = lock_to_decide(request, ApprovalStatus.APPROVED, actor)
    _decide(
        locked,
        ApprovalStatus.APPROVED,
        actor=actor,
        comment=text,
        changes={"conditions": wanted},
    )
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
    locked = lock_to_decide(request, ApprovalStatus.REJECTED, actor)
    _decide(locked, ApprovalStatus.REJECTED, actor=actor, comment=reason, changes={})
    handler_of(locked.subject_type).on_rejected(locked, actor=actor, comment=reason)
    return locked


def _decide(
    request: ApprovalRequest,
    status: ApprovalStatus,
    *,
    actor: Actor,
    comment: str,
    changes: dict[str, Any],
) -> None:
    decided = {
        **changes,
        **first_response(request, actor),
        "decided_at": clock.now(),
        "decided_by_id": actor.user_id,
        "decision_comment": comment,
    }
    save_move(request, status=status, actor=actor, comment=comment, changes=decided)
    tell(
        ApprovalDecided,
        request,
        status=str(status),
        comment=comment,
        conditions=tuple(request.conditions),
    )


def _clean_conditions(conditions: Sequence[str]) -> list[str]:
    cleaned = [text.strip() for text in conditions if text.strip()]
    if len(cleaned) > MAX_CONDITIONS:
        text = _("At most %(most)s conditions are possible.") % {"most": MAX_CONDITIONS}
        raise InvalidInput(text, field="conditions")
    if any(len(text) > MAX_CONDITION_LENGTH for text in cleaned):
        text = _("A condition has at most %(most)s characters.") % {"most": MAX_CONDITION_LENGTH}
        raise InvalidInput(text, field="conditions")
    return cleaned

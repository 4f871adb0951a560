"""The same decision about many requests: each by itself, so that one refusal spoils nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.approvals.enums import BulkDecision
from apps.approvals.models import ApprovalRequest
from apps.approvals.permissions import can_review
from apps.approvals.services.decisions import approve_request, reject_request
from apps.approvals.services.moves import require_comment
from apps.approvals.services.planning import assign_request, escalate_request, person_of
from apps.core.actors import Actor
from apps.core.exceptions import DomainError, Forbidden, InvalidInput

MAX_BULK: Final = 100


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one request; a refusal has its code and its text."""

    id: str
    outcome: Literal["done", "failed"]
    code: str = ""
    detail: str = ""


def decide_in_bulk(
    *,
    public_ids: Sequence[str],
    decision: BulkDecision | str,
    actor: Actor,
    comment: str = "",
    assignee: User | None = None,
) -> list[BulkResult]:
    """Approve, reject, assign or escalate 1 to 100 requests, each in a transaction of its own.

    Assigning takes no comment; without an assignee the actor takes the requests. The results have the order of the ids.

    Raises:
        InvalidInput: no ids, too many, or an unknown decision; then nothing was done.
        CommentRequired: the decision needs one; then nothing was done.
        Forbidden: the actor does not work in the queue.

    Publishes: what the single decisions publish.
    """
    if not can_review(actor):
        raise Forbidden
    if not 1 <= len(public_ids) <= MAX_BULK:
        text = _("Name 1 to %(most)s requests.") % {"most": MAX_BULK}
        raise InvalidInput(text, field="ids")
    try:
        wanted = BulkDecision(decision)
    except ValueError:
        raise InvalidInput(_("This decision is not known."), field="decision") from None
    move = _move(wanted, comment=comment, actor=actor, assignee=assignee)
    return [_decide_one(public_id, move, actor) for public_id in public_ids]


def _move(
    decision: BulkDecision, *, comment: str, actor: Actor, assignee: User | None
) -> Callable[[ApprovalRequest], object]:
    if decision is BulkDecision.ASSIGN:
        person = assignee or person_of(actor)
        return lambda request: assign_request(request=request, assignee=person, actor=actor)
    text = require_comment(comment)
    if decision is BulkDecision.APPROVE:
        return lambda request: approve_request(request=request, actor=actor, comment=text)
    if decision is BulkDecision.REJECT:
        return lambda request: reject_request(request=request, actor=actor, comment=text)
    return lambda request: escalate_request(request=request, actor=actor, reason=text)


def _decide_one(
    public_id: str, move: Callable[[ApprovalRequest], object], actor: Actor
) -> BulkResult:
    try:
        with transaction.atomic():
            move(ApprovalRequest.objects.get_visible(actor, public_id))
    except DomainError as error:
        return BulkResult(public_id, "failed", error.error_code, str(error.detail))
    return BulkResult(public_id, "done")

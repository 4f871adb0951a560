"""What happens by itself when time passes: missed deadlines are noted, late requests escalate or expire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.approvals.enums import OPEN_STATUSES, RUNNING_STATUSES, ApprovalStatus
from apps.approvals.events import ApprovalBreached
from apps.approvals.models import ApprovalRequest
from apps.approvals.services.moves import save_change, tell
from apps.approvals.services.planning import escalate_request
from apps.approvals.services.requests import expire_request
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import DomainError, InvalidTransition

logger = structlog.get_logger(__name__)

# One run does so many of each; the next one goes on.
BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class SlaRun:
    """What one run of the SLA job did."""

    breached: int
    escalated: int


def apply_sla(*, actor: Actor) -> SlaRun:
    """Note missed deadlines, once each, and escalate what should have been decided; safe to run at any time.

    Requests that wait for their requester are left alone: their clock stands still. Each request is handled in a
    transaction of its own.

    Publishes: ApprovalBreached, ApprovalEscalated.
    """
    now = clock.now()
    running = ApprovalRequest.objects.filter(status__in=RUNNING_STATUSES)
    missed = running.filter(_missed_decision(now) | _missed_response(now))
    breached = _each(missed, lambda pk: _note_breach(pk, actor))
    due = ApprovalRequest.objects.filter(_to_escalate(now), status=ApprovalStatus.PENDING)
    escalated = _each(due, lambda pk: _escalate(pk, actor))
    return SlaRun(breached=breached, escalated=escalated)


def expire_requests(*, actor: Actor) -> int:
    """Expire open requests whose time is over, and return how many; their subjects are told by their handlers.

    Publishes: ApprovalExpired.
    """
    rows = ApprovalRequest.objects.filter(status__in=OPEN_STATUSES, expires_at__lte=clock.now())
    return _each(rows, lambda pk: _expire(pk, actor))


def _missed_decision(now: datetime) -> Q:
    return Q(due_at__lt=now, breached_at=None)


def _missed_response(now: datetime) -> Q:
    return Q(response_due_at__lt=now, first_response_at=None, response_breached_at=None)


def _to_escalate(now: datetime) -> Q:
    """Return what is due; requests older than the policies' escalation have only their deadline."""
    return Q(escalate_at__lte=now) | Q(escalate_at=None, due_at__lte=now)


def _each(rows: QuerySet[ApprovalRequest], work: Callable[[UUID], bool]) -> int:
    """Do the work for each row by itself; what one subject refuses does not stop the others."""
    done = 0
    for pk in list(rows.order_by("due_at", "id").values_list("pk", flat=True)[:BATCH]):
        try:
            done += work(pk)
        except InvalidTransition:
            continue  # Somebody was faster.
        except DomainError as error:
            logger.warning("approvals.sla_refused", request=str(pk), code=error.error_code)
    return done


@transaction.atomic
def _note_breach(pk: UUID, actor: Actor) -> bool:
    request = ApprovalRequest.objects.lock(pk)
    now = clock.now()
    if request.status not in RUNNING_STATUSES:
        return False
    changes = {}
    if request.due_at < now and request.breached_at is None:
        changes["breached_at"] = request.due_at
    response_due_at = request.response_due_at
    is_unanswered = request.first_response_at is None and request.response_breached_at is None
    if response_due_at and response_due_at < now and is_unanswered:
        changes["response_breached_at"] = response_due_at
    if not changes:
        return False
    history = save_change(request, action="sla_breached", actor=actor, changes=changes)
    tell(
        ApprovalBreached,
        request,
        history_id=history.pk,
        is_decision_overdue="breached_at" in changes,
    )
    return True


@transaction.atomic
def _escalate(pk: UUID, actor: Actor) -> bool:
    request = ApprovalRequest.objects.lock(pk)
    if (request.escalate_at or request.due_at) > clock.now():
        return False  # Its priority was changed meanwhile.
    escalate_request(
        request=request, actor=actor, reason=_("Nobody decided it in the time that the SLA allows.")
    )
    return True


@transaction.atomic
def _expire(pk: UUID, actor: Actor) -> bool:
    request = ApprovalRequest.objects.lock(pk)
    if request.expires_at is None or request.expires_at > clock.now():
        return False
    expire_request(request=request, actor=actor)
    return True

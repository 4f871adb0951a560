"""Reads of the approval engine: the queue, a request's conversation, deadlines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apps.approvals.enums import OPEN_STATUSES, ApprovalStatus, Priority
from apps.approvals.models import (
    ApprovalComment,
    ApprovalHistory,
    ApprovalRequest,
    SlaPolicy,
)
from apps.core import clock
from apps.core.actors import Actor

# Used where the operator deleted the policies that the first migration seeded.
FALLBACK_RESOLUTION: Final = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What waits in the queue."""

    open: int
    overdue: int


def list_queue() -> QuerySet[ApprovalRequest]:
    """Return all requests: overdue ones first, then open ones by deadline, then decided ones."""
    now = clock.now()
    rank = Case(
        When(status__in=OPEN_STATUSES, due_at__lt=now, then=Value(0)),
        When(status__in=OPEN_STATUSES, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return (
        ApprovalRequest.objects.select_related(
            "organization", "requested_by", "assignee", "decided_by"
        )
        .annotate(rank=rank)
        .order_by("rank", "due_at", "id")
    )


def list_overdue() -> QuerySet[ApprovalRequest]:
    """Return open requests whose deadline has passed."""
    return list_queue().filter(status__in=OPEN_STATUSES, due_at__lt=clock.now())


def count_queue() -> QueueCounts:
    """Count what waits and what is late."""
    waiting = ApprovalRequest.objects.filter(status__in=OPEN_STATUSES)
    return QueueCounts(open=waiting.count(), overdue=waiting.filter(due_at__lt=clock.now()).count())


def get_request(actor: Actor, public_id: str) -> ApprovalRequest:
    """Return a request that the actor may see: its own organization's, or any for staff.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    rows = ApprovalRequest.objects.select_related("organization", "requested_by", "assignee")
    return rows.get_visible(actor, public_id)


def list_own_requests(actor: Actor) -> QuerySet[ApprovalRequest]:
    """Return what the organization asked for in which the actor works."""
    if actor.organization_id is None:
        return ApprovalRequest.objects.none()
    rows = ApprovalRequest.objects.filter(organization_id=actor.organization_id)
    return rows.select_related("organization")


def find_open_request(subject_type: str, subject_id: UUID) -> ApprovalRequest | None:
    """Return the undecided request about a subject, if there is one."""
    return ApprovalRequest.objects.filter(
        subject_type=subject_type, subject_id=subject_id, status__in=OPEN_STATUSES
    ).first()


def find_last_request(subject_type: str, subject_id: UUID) -> ApprovalRequest | None:
    """Return the newest request about a subject, decided or not."""
    return (
        ApprovalRequest.objects.filter(subject_type=subject_type, subject_id=subject_id)
        .order_by("-id")
        .first()
    )


def list_comments(request: ApprovalRequest, actor: Actor) -> QuerySet[ApprovalComment]:
    """Return the conversation; internal comments only for the back office."""
    rows = request.comments.select_related("author")
    return rows if actor.sees_every_tenant else rows.filter(is_internal=False)


def list_history(request: ApprovalRequest, actor: Actor) -> QuerySet[ApprovalHistory]:
    """Return what happened to a request; why it was escalated is the back office's own business."""
    rows = request.history.all()
    return rows if actor.sees_every_tenant else rows.exclude(action=ApprovalStatus.ESCALATED)


def due_time(subject_type: str, priority: Priority | str, *, start: datetime) -> datetime:
    """Return when a request made at `start` must be decided.

    The policy of the subject type and priority counts, else the default one of that priority.
    """
    policies = {
        policy.subject_type: policy.resolution_hours
        for policy in SlaPolicy.objects.filter(
            subject_type__in=("", subject_type), priority=priority
        )
    }
    hours = policies.get(subject_type, policies.get(""))
    return start + (FALLBACK_RESOLUTION if hours is None else timedelta(hours=hours))

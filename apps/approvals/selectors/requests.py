"""Reads of the approval engine: the queue, a request's conversation, deadlines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Prefetch, Q, QuerySet, Value, When

from apps.accounts.models import User
from apps.approvals.enums import OPEN_STATUSES, REVIEW_ROLES, RUNNING_STATUSES, ApprovalStatus
from apps.approvals.models import (
    ApprovalAttachment,
    ApprovalComment,
    ApprovalHistory,
    ApprovalRequest,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id

# Lines of the history that only the back office reads.
INTERNAL_ACTIONS: Final = (
    str(ApprovalStatus.ESCALATED), "assigned", "priority_changed", "sla_breached",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What waits in the queue."""

    open: int
    overdue: int
    unassigned: int = 0
    mine: int = 0


def overdue_filter() -> Q:
    """Return what makes a request overdue; while its requester is asked, its clock stands still."""
    return Q(status__in=RUNNING_STATUSES, due_at__lt=clock.now())


def list_queue() -> QuerySet[ApprovalRequest]:
    """Return all requests: overdue ones first, then open ones by deadline, then decided ones."""
    rank = Case(
        When(overdue_filter(), then=Value(0)),
        When(status__in=OPEN_STATUSES, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return (
        ApprovalRequest.objects.select_related(
            "organization", "deciding_organization", "requested_by", "assignee", "decided_by"
        )
        .annotate(rank=rank)
        .order_by("rank", "due_at", "id")
    )


def list_overdue() -> QuerySet[ApprovalRequest]:
    """Return requests whose deadline has passed and that wait for the back office."""
    return list_queue().filter(overdue_filter())


def count_queue(user_id: UUID | None = None) -> QueueCounts:
    """Count what waits, what is late, what nobody has, and what a person has.

    What another organization decides is left out until it is escalated.
    """
    waiting = ApprovalRequest.objects.for_back_office().filter(status__in=OPEN_STATUSES)
    counted = waiting.aggregate(
        open=Count("pk"),
        overdue=Count("pk", filter=overdue_filter()),
        unassigned=Count("pk", filter=Q(assignee=None)),
        mine=Count("pk", filter=Q(assignee_id=user_id, assignee__isnull=False)),
    )
    return QueueCounts(**counted)


def get_request(actor: Actor, public_id: str) -> ApprovalRequest:
    """Return a request that the actor may see: one that its organization asked or decides, or any for staff.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    rows = ApprovalRequest.objects.select_related(
        "organization", "deciding_organization", "requested_by", "assignee", "decided_by"
    )
    return rows.get_visible(actor, public_id)


def list_own_requests(actor: Actor) -> QuerySet[ApprovalRequest]:
    """Return what the organization asked for in which the actor works."""
    if actor.organization_id is None:
        return ApprovalRequest.objects.none()
    rows = ApprovalRequest.objects.filter(organization_id=actor.organization_id)
    return rows.select_related("organization", "assignee", "requested_by", "decided_by")


def list_received_requests(actor: Actor) -> QuerySet[ApprovalRequest]:
    """Return what the organization decides in which the actor works."""
    if actor.organization_id is None:
        return ApprovalRequest.objects.none()
    rows = ApprovalRequest.objects.filter(deciding_organization_id=actor.organization_id)
    return rows.select_related("organization", "assignee", "requested_by", "decided_by")


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
    files = ApprovalAttachment.objects.defer("content")
    rows = request.comments.select_related("author").prefetch_related(
        Prefetch("attachments", queryset=files), "mentions"
    )
    return rows if actor.sees_every_tenant else rows.filter(is_internal=False)


def list_history(request: ApprovalRequest, actor: Actor) -> QuerySet[ApprovalHistory]:
    """Return what happened to a request; how the back office organizes itself is its own business."""
    rows = request.history.all()
    return rows if actor.sees_every_tenant else rows.exclude(action__in=INTERNAL_ACTIONS)


def list_assignable_staff() -> QuerySet[User]:
    """Return the active people who work in the queue: approvers, operators and superusers."""
    return (
        User.objects.filter(
            Q(groups__name__in=REVIEW_ROLES) | Q(is_superuser=True), is_active=True, is_staff=True
        )
        .distinct()
        .order_by("name", "email")
    )


def find_assignable(public_id: str) -> User | None:
    """Return a person who works in the queue by public id."""
    try:
        key = parse_public_id(User.id_prefix, public_id)
    except InvalidPublicIdError:
        return None
    return list_assignable_staff().filter(pk=key).first()


def get_attachment(request: ApprovalRequest, public_id: str, actor: Actor) -> ApprovalAttachment:
    """Return a file of a comment that the actor may read.

    Raises:
        NotFound: unknown, of another request, or of an internal comment.
    """
    try:
        key = parse_public_id(ApprovalAttachment.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    readable = list_comments(request, actor).values("pk")
    found = ApprovalAttachment.objects.filter(pk=key, comment__in=readable).first()
    if found is None:
        raise NotFound
    return found

"""What the approval engine tells the apps above it, and its own receivers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEvent(DomainEvent):
    """Base: which request, about what, of whom (no organization: a person's own)."""

    request_id: UUID
    organization_id: UUID | None
    subject_type: str
    subject_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(ApprovalEvent):
    """A decision is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided(ApprovalEvent):
    """A request was approved or rejected; `status` says which."""

    status: str
    comment: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalInformationRequested(ApprovalEvent):
    """The approver asked the requester something; `history_id` names the question."""

    history_id: UUID
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalInformationProvided(ApprovalEvent):
    """The requester answered; `history_id` names the answer."""

    history_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEscalated(ApprovalEvent):
    """Somebody with more authority should decide: anybody of a role, or one person."""

    history_id: UUID
    reason: str
    role: str = "operator"
    assignee_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAssigned(ApprovalEvent):
    """Somebody got the request, or it went back to the queue (no `assignee_id`)."""

    history_id: UUID
    assignee_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCommented(ApprovalEvent):
    """Somebody said something; `comment_id` names it. Members of a deciding organization count as staff here."""

    comment_id: UUID
    is_from_staff: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalBreached(ApprovalEvent):
    """A deadline was missed: that of the decision, else only that of the first response."""

    history_id: UUID
    is_decision_overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalExpired(ApprovalEvent):
    """Nobody decided in time, or the requester never answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCancelled(ApprovalEvent):
    """The requester withdrew."""

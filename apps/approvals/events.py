"""What the approval engine tells the apps above it, and its own receivers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEvent(DomainEvent):
    """Base: which request, about what, of whom."""

    request_id: UUID
    organization_id: UUID
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
    """Somebody with more authority should decide."""

    history_id: UUID
    reason: str

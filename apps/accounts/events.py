"""What this app tells the apps above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationCreated(DomainEvent):
    """An organization exists, with its default workspace and its owner."""

    organization_id: UUID
    is_sandbox: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationChanged(DomainEvent):
    """Facts that bills and the gateway may show have changed: name, country, time zone, billing address."""

    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined(DomainEvent):
    """A person became a member."""

    organization_id: UUID
    user_id: UUID
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(DomainEvent):
    """A person is no longer a member."""

    organization_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockAdvanced(DomainEvent):
    """A sandbox organization's test clock moved forward: what fell due in `(from_time, to_time]` is due now."""

    organization_id: UUID
    from_time: datetime
    to_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeactivated(DomainEvent):
    """A person was locked out by the operator; their sessions and tokens have ended."""

    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformPlanChanged(DomainEvent):
    """The operator gave an organization another of the platform's plans, or took it back."""

    organization_id: UUID
    plan: str

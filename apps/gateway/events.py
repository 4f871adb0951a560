"""What happens to throttles of organizations."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleEvent(DomainEvent):
    """What every event of a throttle tells."""

    throttle_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleApplied(ThrottleEvent):
    """An operator limited all calls of an organization, for a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleLifted(ThrottleEvent):
    """An operator ended a throttle before its time."""

"""What usage tells billing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageClosed(DomainEvent):
    """The usage of a subscription was closed up to (not including) a moment of its business time."""

    subscription_id: UUID
    closed_until: datetime

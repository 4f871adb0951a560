"""What usage tells billing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageClosed(DomainEvent):
    """The usage of a subscription was closed up to (not including) a moment of its business time."""

    subscription_id: UUID
    closed_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LateUsageArrived(DomainEvent):
    """Usage came after its billing period was closed: the period is due for re-rating. Times are business time.

    `quantity` is what the late events alone say for the meter; the truth for re-rating are the open late events.
    """

    subscription_id: UUID
    consumer_organization_id: UUID
    meter: str
    period_start: datetime
    period_end: datetime
    event_count: int
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecalculated(DomainEvent):
    """Windows of a subscription were computed anew and differ. The range is business time.

    `revised_count` windows of open periods were replaced. `kept_count` differences of closed periods wait for
    re-rating, as open `WindowDifference` rows of the rewind.
    """

    rewind_id: UUID
    subscription_id: UUID
    meter: str
    range_start: datetime
    range_end: datetime
    revised_count: int
    kept_count: int

"""Calls as they came in, and the windows that they add up to."""

from apps.usage.models.batches import ShipperState, UsageBatch
from apps.usage.models.events import LateEvent, UsageEvent, UsageEventKey
from apps.usage.models.meters import Meter
from apps.usage.models.quotas import QuotaState, UsageAlert
from apps.usage.models.windows import UsageCutoff, UsageWindow

__all__ = (
    "LateEvent",
    "Meter",
    "QuotaState",
    "ShipperState",
    "UsageAlert",
    "UsageBatch",
    "UsageCutoff",
    "UsageEvent",
    "UsageEventKey",
    "UsageWindow",
)

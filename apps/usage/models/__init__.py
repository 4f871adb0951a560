"""Calls as they came in, and the windows that they add up to."""

from apps.usage.models.anomalies import AnomalySetting, UsageAnomaly
from apps.usage.models.archives import UsageArchive
from apps.usage.models.batches import UsageBatch
from apps.usage.models.budgets import Budget, BudgetAlert
from apps.usage.models.drift import DriftReport
from apps.usage.models.events import UsageEvent, UsageEventKey
from apps.usage.models.exports import UsageExport
from apps.usage.models.late import LateEvent
from apps.usage.models.meters import Meter, MeterError
from apps.usage.models.quotas import QuotaState, UsageAlert
from apps.usage.models.rejections import RejectedEvent
from apps.usage.models.rewinds import UsageRewind, WindowDifference
from apps.usage.models.rollups import RollupMark, UsageDay, UsageDayTotal, UsageHour
from apps.usage.models.shippers import LogReplay, NodeRetirement, ShipperState
from apps.usage.models.windows import UsageCutoff, UsageWindow, UsageWindowValue

__all__ = (
    "AnomalySetting",
    "Budget",
    "BudgetAlert",
    "DriftReport",
    "LateEvent",
    "LogReplay",
    "Meter",
    "MeterError",
    "NodeRetirement",
    "QuotaState",
    "RejectedEvent",
    "RollupMark",
    "ShipperState",
    "UsageAlert",
    "UsageAnomaly",
    "UsageArchive",
    "UsageBatch",
    "UsageCutoff",
    "UsageDay",
    "UsageDayTotal",
    "UsageEvent",
    "UsageEventKey",
    "UsageExport",
    "UsageHour",
    "UsageRewind",
    "UsageWindow",
    "UsageWindowValue",
    "WindowDifference",
)

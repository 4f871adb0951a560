"""The back office's view of usage: batches, windows, late calls, rewinds, quotas, shippers."""

from apps.usage.admin import (
    analytics,
    anomalies,
    archives,
    batches,
    budgets,
    drift,
    exports,
    late,
    live,
    meters,
    quotas,
    rejections,
    rewinds,
    shippers,
    windows,
)

__all__ = (
    "analytics",
    "anomalies",
    "archives",
    "batches",
    "budgets",
    "drift",
    "exports",
    "late",
    "live",
    "meters",
    "quotas",
    "rejections",
    "rewinds",
    "shippers",
    "windows",
)

"""The back office's view of usage: batches, windows, late calls, rewinds, quotas, shippers."""

from apps.usage.admin import (
    analytics,
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

"""The back office's view of usage: batches, windows, late calls, quotas, shippers."""

from apps.usage.admin import (
    batches,
    budgets,
    exports,
    meters,
    quotas,
    rejections,
    shippers,
    windows,
)

__all__ = ("batches", "budgets", "exports", "meters", "quotas", "rejections", "shippers", "windows")

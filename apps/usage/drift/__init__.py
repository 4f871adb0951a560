"""Whether counters, windows and calls agree, and what is done where they do not.

Source: docs/domain/metering.md, "Drift".
"""

from apps.usage.drift.run import compare_counters, forget_old_reports

__all__ = ("compare_counters", "forget_old_reports")

"""Whether counters, windows and calls agree, and what is done where they do not.

Source: docs/domain/metering.md, "Drift".
"""

from apps.usage.drift.lowering import HighCounter, find_high_counter, lower_counter
from apps.usage.drift.run import compare_counters, forget_old_reports

__all__ = (
    "HighCounter",
    "compare_counters",
    "find_high_counter",
    "forget_old_reports",
    "lower_counter",
)

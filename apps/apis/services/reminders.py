"""When subscribers are reminded of an announced end."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.apis.constants import SUNSET_REMINDER_DAYS
from apps.core import clock


def reminder_due(sunset_at: datetime) -> int | None:
    """Return the shortest notice, in days, that has been reached by now; None while the end is far away.

    What is announced late begins there: its announcement is the reminder.
    """
    left = sunset_at - clock.now()
    reached = [days for days in SUNSET_REMINDER_DAYS if left <= timedelta(days=days)]
    return min(reached, default=None)

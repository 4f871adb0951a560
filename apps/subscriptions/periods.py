"""Billing periods: half-open ranges of UTC, computed in the account's time zone.

Every boundary is counted from the original anchor day, never from the boundary before it: an
anchor on January 31 gives February 28 (or 29) and then March 31 again. A boundary is the first
instant of its local day, so a day of 23 or 25 hours is one day and neighbouring periods share
their boundary exactly.

Source: docs/domain/periods.md.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from apps.core.clock import Period


class IntervalUnit(StrEnum):
    """The unit in which a plan's interval is counted."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


DAYS_PER_UNIT: Final = {IntervalUnit.DAY: 1, IntervalUnit.WEEK: 7}
MONTHS_PER_UNIT: Final = {
    IntervalUnit.MONTH: 1,
    IntervalUnit.QUARTER: 3,
    IntervalUnit.HALF_YEAR: 6,
    IntervalUnit.YEAR: 12,
}
MONTHS_PER_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Interval:
    """How long a period is: `count` units, at least one."""

    unit: IntervalUnit
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse intervals that never end."""
        if self.count < 1:
            raise ValueError(f"an interval has at least one {self.unit}, not {self.count}")

    def after(self, anchor: date, periods: int) -> date:
        """Return the day that lies `periods` intervals after the anchor."""
        steps = periods * self.count
        if self.unit in DAYS_PER_UNIT:
            return anchor + timedelta(days=steps * DAYS_PER_UNIT[self.unit])
        return add_months(anchor, steps * MONTHS_PER_UNIT[self.unit])

    def estimate_index(self, anchor: date, day: date) -> int:
        """Return the index of the period that holds the day, off by at most one."""
        if self.unit in DAYS_PER_UNIT:
            return (day - anchor).days // (self.count * DAYS_PER_UNIT[self.unit])
        months = (day.year - anchor.year) * MONTHS_PER_YEAR + day.month - anchor.month
        return months // (self.count * MONTHS_PER_UNIT[self.unit])


def billing_period(anchor: date, interval: Interval, *, index: int, timezone: str) -> Period:
    """Return the period with this index; 0 starts on the anchor day.

    Args:
        anchor: local day on which period 0 starts; `calendar_anchor` gives the one of a calendar
            alignment.
        interval: length of a period.
        index: position of the period; negative before the anchor.
        timezone: IANA name of the account's zone.
    """
    return Period(
        start_of_day(interval.after(anchor, index), timezone),
        start_of_day(interval.after(anchor, index + 1), timezone),
    )


def billing_period_at(anchor: date, interval: Interval, *, at: datetime, timezone: str) -> Period:
    """Return the period that holds an instant; a period that starts exactly then is the one."""
    index = billing_period_index(anchor, interval, at=at, timezone=timezone)
    return billing_period(anchor, interval, index=index, timezone=timezone)


def billing_period_index(anchor: date, interval: Interval, *, at: datetime, timezone: str) -> int:
    """Return the index of the period that holds an instant."""
    index = interval.estimate_index(anchor, local_date(at, timezone))
    while start_of_day(interval.after(anchor, index), timezone) > at:
        index -= 1
    while start_of_day(interval.after(anchor, index + 1), timezone) <= at:
        index += 1
    return index


def calendar_anchor(day: date, unit: IntervalUnit) -> date:
    """Return the first day of the calendar unit that holds a day; weeks begin on Monday."""
    if unit is IntervalUnit.DAY:
        return day
    if unit is IntervalUnit.WEEK:
        return day - timedelta(days=day.weekday())
    months = MONTHS_PER_UNIT[unit]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def next_calendar_boundary(day: date, unit: IntervalUnit) -> date:
    """Return the calendar boundary after a day; a day on a boundary gives the following one."""
    return Interval(unit).after(calendar_anchor(day, unit), 1)


def next_billing_day(current_start: date, anchor: date, interval: Interval) -> date:
    """Return the first boundary of the anchored schedule after the current period's start.

    A current period that began off the schedule (a first, partial one) is short: it ends at the
    first day that the anchor gives, and whole intervals follow.
    """
    if interval.unit in DAYS_PER_UNIT:
        return interval.after(current_start, 1)
    if interval.unit is IntervalUnit.YEAR:
        index = interval.estimate_index(anchor, current_start)
        while interval.after(anchor, index) <= current_start:
            index += 1
        return interval.after(anchor, index)
    this_month = _with_day(current_start.year, current_start.month, anchor.day)
    if this_month > current_start:
        return this_month
    months = interval.count * MONTHS_PER_UNIT[interval.unit]
    year, month = divmod(
        current_start.year * MONTHS_PER_YEAR + current_start.month - 1 + months, 12
    )
    return _with_day(year, month + 1, anchor.day)


def period_after_zone_change(
    previous: Period, anchor: date, interval: Interval, *, index: int, timezone: str
) -> Period:
    """Return the period with this index in a new zone, begun where the previous one ended.

    An account that moves to another zone has neither a hole nor an overlap: only the end follows
    the new zone.
    """
    return Period(previous.end, start_of_day(interval.after(anchor, index + 1), timezone))


def start_of_day(day: date, timezone: str) -> datetime:
    """Return the first instant of a local day, in UTC.

    When clocks jump over midnight the day begins at the jump; when midnight comes twice, at the
    first.
    """
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def local_date(instant: datetime, timezone: str) -> date:
    """Return the day that an instant falls on in a zone."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def first_day(period: Period, timezone: str) -> date:
    """Return the first local day of a period."""
    return local_date(period.start, timezone)


def last_day(period: Period, timezone: str) -> date:
    """Return the last local day of a period, as it is printed."""
    return local_date(period.end - timedelta(microseconds=1), timezone)


def add_months(day: date, months: int) -> date:
    """Return the same day of another month, or that month's last day when it is shorter."""
    year, month = divmod(day.year * MONTHS_PER_YEAR + day.month - 1 + months, MONTHS_PER_YEAR)
    return _with_day(year, month + 1, day.day)


def _with_day(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))

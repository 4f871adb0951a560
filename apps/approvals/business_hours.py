"""Counting time in business hours: plain Python, exact to the microsecond, summer time included.

An instant is business time if its local date is no holiday and its local time of day lies in a range of its weekday.
So an hour that the clocks skip is never counted, and one that they repeat is counted twice: it was worked twice.

Source: docs/domain/approvals.md.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_PER_DAY: Final = 24 * 60
DAY: Final = timedelta(days=1)
# Nobody's holidays close a year and more; a calendar that does would make deadlines that never come.
HORIZON: Final = timedelta(days=3660)
_RANGE: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")


class CalendarError(ValueError):
    """A calendar that cannot be used: which part of it, and why (`code`)."""

    def __init__(self, field: str, code: str, value: object = "") -> None:
        """Name the part, the reason and the value that was given."""
        self.field, self.code, self.value = field, code, value
        super().__init__(f"{field}: {code} {value}")


class NoBusinessTimeError(ValueError):
    """The calendar is closed for so long that the deadline would never come."""


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When work is done: ranges of minutes after midnight per weekday (Monday first), in a time zone."""

    zone: ZoneInfo
    weekly: tuple[tuple[tuple[int, int], ...], ...]
    holidays: frozenset[date] = frozenset()

    def opening_minutes(self, day: date) -> tuple[tuple[int, int], ...]:
        """Return the ranges of a local day; none on holidays."""
        return () if day in self.holidays else self.weekly[day.weekday()]


def parse_calendar(*, timezone: object, weekday_hours: object, holidays: object) -> BusinessHours:
    """Read a calendar: `{"mon": ["09:00-12:00", "13:00-17:00"]}` and ISO dates; `24:00` ends a day.

    Raises:
        CalendarError: naming `timezone`, `weekday_hours` or `holidays`.
    """
    if not isinstance(timezone, str) or timezone not in available_timezones():
        raise CalendarError("timezone", "unknown_zone", timezone)
    if not isinstance(weekday_hours, Mapping):
        raise CalendarError("weekday_hours", "not_an_object")
    unknown = sorted(str(name) for name in weekday_hours if name not in WEEKDAYS)
    if unknown:
        raise CalendarError("weekday_hours", "unknown_weekday", unknown[0])
    weekly = tuple(_parse_day(weekday_hours.get(name, [])) for name in WEEKDAYS)
    if not any(weekly):
        raise CalendarError("weekday_hours", "never_open")
    return BusinessHours(ZoneInfo(timezone), weekly, _parse_holidays(holidays))


def business_time_between(hours: BusinessHours, start: datetime, end: datetime) -> timedelta:
    """Return how much business time lies between two instants; zero if `end` is not later."""
    total = timedelta()
    for opens, closes in open_spans(hours, start):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def add_business_time(hours: BusinessHours, start: datetime, duration: timedelta) -> datetime:
    """Return the earliest instant by which `duration` of business time has passed since `start`.

    Raises:
        ValueError: a negative duration.
        NoBusinessTimeError: the calendar does not hold so much within ten years.
    """
    if duration < timedelta():
        raise ValueError("a duration cannot be negative")
    left = duration
    if not left:
        return start
    for opens, closes in open_spans(hours, start):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise NoBusinessTimeError


def open_spans(hours: BusinessHours, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans of business time from `start` on, in UTC, in order, for at most ten years."""
    begin = start.astimezone(UTC)
    limit = begin + HORIZON
    while begin < limit:
        for lower, upper, offset in _segments(hours.zone, begin, begin + DAY):
            yield from _spans_of_segment(hours, lower, upper, offset)
        begin += DAY


def _spans_of_segment(
    hours: BusinessHours, lower: datetime, upper: datetime, offset: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open spans of a range of UTC in which the zone's offset does not change."""
    day = (lower + offset).date()
    last = (upper + offset).date()
    while day <= last:
        midnight = datetime.combine(day, time(), UTC) - offset
        for opens, closes in hours.opening_minutes(day):
            span_start = max(lower, midnight + timedelta(minutes=opens))
            span_end = min(upper, midnight + timedelta(minutes=closes))
            if span_start < span_end:
                yield span_start, span_end
        day += DAY


def _segments(
    zone: ZoneInfo, lower: datetime, upper: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut a day of UTC where the zone's offset changes; zones change it at most once a day."""
    before, after = _offset(zone, lower), _offset(zone, upper)
    if before == after:
        yield lower, upper, before
        return
    change = _change_between(zone, lower, upper)
    yield lower, change, before
    yield change, upper, after


def _change_between(zone: ZoneInfo, lower: datetime, upper: datetime) -> datetime:
    """Return the first whole second at which the zone has the offset that it has at `upper`."""
    after = _offset(zone, upper)
    first = lower.replace(microsecond=0)
    low, high = 0, int((upper - first).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, first + timedelta(seconds=middle)) == after:
            high = middle
        else:
            low = middle
    return min(max(first + timedelta(seconds=high), lower), upper)


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _parse_day(ranges: object) -> tuple[tuple[int, int], ...]:
    if not isinstance(ranges, Sequence) or isinstance(ranges, str):
        raise CalendarError("weekday_hours", "not_a_list")
    parsed = sorted(_parse_range(text) for text in ranges)
    for (_opens, closes), (opens, _closes) in itertools.pairwise(parsed):
        if opens < closes:
            raise CalendarError("weekday_hours", "overlap")
    return tuple(parsed)


def _parse_range(text: Any) -> tuple[int, int]:
    found = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise CalendarError("weekday_hours", "bad_range", text)
    opens_hour, opens_minute, closes_hour, closes_minute = map(int, found.groups())
    opens, closes = opens_hour * 60 + opens_minute, closes_hour * 60 + closes_minute
    if not opens < closes <= MINUTES_PER_DAY:
        raise CalendarError("weekday_hours", "bad_range", text)
    return opens, closes


def _parse_holidays(days: object) -> frozenset[date]:
    if not isinstance(days, Sequence) or isinstance(days, str):
        raise CalendarError("holidays", "not_a_list")
    parsed = set()
    for text in days:
        try:
            parsed.add(date.fromisoformat(text))
        except (TypeError, ValueError):
            raise CalendarError("holidays", "bad_date", text) from None
    return frozenset(parsed)

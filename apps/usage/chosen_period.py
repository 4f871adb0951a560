"""The period that a visitor or a caller chose, with the one before it to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import clock
from apps.core.clock import Period
from apps.core.exceptions import InvalidInput
from apps.usage.spans import DEFAULT_SPAN, SPANS, Span

CUSTOM: Final = "custom"
MAX_DAYS: Final = 366
KEYS: Final = (*(span.key for span in SPANS), CUSTOM)


class HasLocalTime(clock.HasClockOffset, Protocol):
    """Whose days are meant: an organization, or for operators the marketplace itself."""

    @property
    def timezone(self) -> str:
        """The name of the time zone."""


@dataclass(frozen=True, slots=True)
class ChosenPeriod:
    """A period in whole hours or local days, and the period of the same length before it."""

    span: Span
    period: Period
    previous: Period
    timezone: str

    @property
    def first_day(self) -> date:
        """The local day on which it begins."""
        return self.period.start.astimezone(ZoneInfo(self.timezone)).date()

    @property
    def last_day(self) -> date:
        """The local day on which it ends, included."""
        last = self.period.end - timedelta(microseconds=1)
        return last.astimezone(ZoneInfo(self.timezone)).date()


def choose_period(
    whose: HasLocalTime, *, key: str = "", first: str = "", last: str = ""
) -> ChosenPeriod:
    """Return the named span that ends now, or with `custom` the local days from `first` to `last`, both included.

    Raises:
        InvalidInput: an unknown name, or days that are missing, malformed, reversed, ahead or too many.
    """
    zone, now = whose.timezone, clock.business_now(whose)
    if key == CUSTOM:
        return _custom(_day(first, "from"), _day(last, "to"), today=local_day(now, zone), zone=zone)
    span = next((span for span in SPANS if span.key == key), None) if key else DEFAULT_SPAN
    if span is None:
        raise InvalidInput(_("Choose one of %(keys)s.") % {"keys": ", ".join(KEYS)}, field="period")
    period = span.ending(now, zone)
    if not span.by_day:
        return ChosenPeriod(span, period, Period(period.start - span.length, period.start), zone)
    start = local_day(period.start, zone)
    return ChosenPeriod(span, period, _days(start - span.length, start, zone), zone)


def _custom(first: date, last: date, *, today: date, zone: str) -> ChosenPeriod:
    if last < first:
        raise InvalidInput(_("The last day is before the first."), field="to")
    if first > today:
        raise InvalidInput(_("This day has not come yet."), field="from")
    count = (last - first).days + 1
    if count > MAX_DAYS:
        raise InvalidInput(
            _("At most %(limit)s days are possible.") % {"limit": MAX_DAYS}, field="to"
        )
    length = timedelta(days=count)
    span = Span(CUSTOM, gettext_lazy("Own days"), length, by_day=True)
    try:
        period, previous = _days(first, first + length, zone), _days(first - length, first, zone)
    except OverflowError:
        raise InvalidInput(_("This day is too far back."), field="from") from None
    return ChosenPeriod(span, period, previous, zone)


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(_("Write a day as YYYY-MM-DD."), field=field) from None


def _days(start: date, end: date, zone: str) -> Period:
    return Period(_midnight(start, zone), _midnight(end, zone))


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def local_day(at: datetime, zone: str) -> date:
    """Return the day that it is in a zone at an instant."""
    return at.astimezone(ZoneInfo(zone)).date()

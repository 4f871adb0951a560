"""The spans of time that usage pages can show, and their plots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from apps.core.clock import Period


@dataclass(frozen=True, slots=True)
class Span:
    """One choice of the period picker."""

    key: str
    label: str | Promise
    length: timedelta
    by_day: bool

    def ending(self, now: datetime, timezone: str) -> Period:
        """Return the span that ends with the hour or day that runs, in whole hours or local days."""
        zone = ZoneInfo(timezone)
        local = now.astimezone(zone)
        if not self.by_day:
            end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            return Period(end - self.length, end)
        last = local.replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = last - self.length + timedelta(days=1), last + timedelta(days=1)
        return Period(start.astimezone(now.tzinfo), end.astimezone(now.tzinfo))


SPANS: Final = (
    Span("24h", gettext_lazy("24 h"), timedelta(hours=24), by_day=False),
    Span("7d", gettext_lazy("7 d"), timedelta(days=7), by_day=True),
    Span("30d", gettext_lazy("30 d"), timedelta(days=30), by_day=True),
    Span("90d", gettext_lazy("90 d"), timedelta(days=90), by_day=True),
)
DEFAULT_SPAN: Final = SPANS[1]


def span_of(key: str) -> Span:
    """Return the span with that key; the default one for any other text."""
    return next((span for span in SPANS if span.key == key), DEFAULT_SPAN)

"""How a provider's calls went: status classes and latency, read from the calls themselves.

Windows hold how many calls came and how many failed, for ever; how they failed and how long they took only the calls
know. They are read for at most `DETAIL_DAYS`, so that a page never walks a year of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, FloatField, Q, QuerySet
from django.db.models.functions import TruncDay, TruncHour

from apps.core.clock import Period
from apps.usage.enums import EventOutcome
from apps.usage.models import UsageEvent

DETAIL_DAYS: Final = 7


class Percentile(Aggregate):
    """An interpolated percentile of an ordered set."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Latency:
    """How long completed calls took, in milliseconds; None without any. `period` is what was read."""

    p50_ms: int | None
    p95_ms: int | None
    period: Period


@dataclass(frozen=True, slots=True)
class Failures:
    """Calls that were refused (4xx) and that failed (5xx) in one step of a series."""

    client_errors: int = 0
    server_errors: int = 0


def has_detail(period: Period) -> bool:
    """Whether a period is short enough to read its calls one by one. A day of 25 hours is a day."""
    return period.duration <= timedelta(days=DETAIL_DAYS, hours=1)


def detailed_part(period: Period) -> Period:
    """Return the part of a period whose calls may be read: all of it, or its last days."""
    if has_detail(period):
        return period
    return Period(period.end - timedelta(days=DETAIL_DAYS), period.end)


def latency_in(events: QuerySet[UsageEvent], period: Period) -> Latency:
    """Return median and 95th percentile of the completed calls of `detailed_part(period)`. One query."""
    part = detailed_part(period)
    found = (
        _within(events, part)
        .filter(outcome=EventOutcome.COMPLETED)
        .aggregate(
            p50=Percentile("latency_ms", fraction=0.5), p95=Percentile("latency_ms", fraction=0.95)
        )
    )
    return Latency(_whole(found["p50"]), _whole(found["p95"]), part)


def failures_by_step(
    events: QuerySet[UsageEvent], period: Period, *, by_day: bool, timezone: str
) -> dict[datetime, Failures]:
    """Return refused and failed calls per hour or local day that had any. One query."""
    truncate = TruncDay if by_day else TruncHour
    rows = (
        _within(events, period)
        .filter(status__gte=400)
        .annotate(at=truncate("occurred_at", tzinfo=ZoneInfo(timezone)))
        .values("at")
        .annotate(
            client=Count("event_id", filter=Q(status__lt=500)),
            server=Count("event_id", filter=Q(status__gte=500)),
        )
    )
    return {row["at"]: Failures(row["client"], row["server"]) for row in rows}


def _within(events: QuerySet[UsageEvent], period: Period) -> QuerySet[UsageEvent]:
    return events.order_by().filter(occurred_at__gte=period.start, occurred_at__lt=period.end)


def _whole(value: Any) -> int | None:
    return None if value is None else round(value)

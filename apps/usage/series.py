"""What windows add up to: hour by hour or day by day for plots, and in sum by API or subscription."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour

from apps.core.clock import Period
from apps.pricing.models import CALLS_METER
from apps.usage.models import UsageWindow


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """One step of a usage plot: billed calls, all calls, failed calls."""

    at: datetime
    calls: int
    events: int
    errors: int


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What a period adds up to: all calls, failed calls, billed calls."""

    events: int
    errors: int
    calls: int


def usage_series(
    windows: QuerySet[UsageWindow], *, period: Period, by_day: bool, timezone: str = "UTC"
) -> list[UsagePoint]:
    """Return billed calls, calls and errors per hour or local day, with zeros where nothing happened.

    Each point's time is in the given zone.
    """
    zone = ZoneInfo(timezone)
    truncate = TruncDay if by_day else TruncHour
    rows = (
        windows.filter(
            meter=CALLS_METER, window_start__gte=period.start, window_start__lt=period.end
        )
        .order_by()
        .annotate(at=truncate("window_start", tzinfo=zone))
        .values("at")
        .annotate(calls=Sum("quantity"), events=Sum("event_count"), errors=Sum("error_count"))
    )
    found = {_slot_of(row["at"], zone, by_day=by_day): row for row in rows}
    return [_point(at, found.get(at)) for at in steps_of(period, zone, by_day=by_day)]


def steps_of(period: Period, zone: ZoneInfo, *, by_day: bool) -> Iterator[datetime]:
    """Walk the local days or the hours of a period; a day of 23 or 25 hours is one day."""
    at = _slot_of(period.start, zone, by_day=by_day)
    while at < period.end:
        yield at
        if by_day:
            at += timedelta(days=1)  # wall-clock time: Python adds to the local day
        else:
            at = (at.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)


def _slot_of(instant: datetime, zone: ZoneInfo, *, by_day: bool) -> datetime:
    local = instant.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return local.replace(hour=0) if by_day else local


def _point(at: datetime, row: Mapping[str, Any] | None) -> UsagePoint:
    if row is None:
        return UsagePoint(at, 0, 0, 0)
    return UsagePoint(at, int(row["calls"]), int(row["events"]), int(row["errors"]))


def calls_by_api(windows: QuerySet[UsageWindow], period: Period) -> dict[UUID, UsageTotals]:
    """Return what each API was called in a period. One query."""
    return {
        row["api_id"]: UsageTotals(row["events"], row["errors"], int(row["calls"]))
        for row in _totals(windows, period, "api_id")
    }


def calls_by_subscription(
    windows: QuerySet[UsageWindow], period: Period
) -> dict[UUID, UsageTotals]:
    """Return what each subscription called in a period. One query."""
    return {
        row["subscription_id"]: UsageTotals(row["events"], row["errors"], int(row["calls"]))
        for row in _totals(windows, period, "subscription_id")
    }


def _totals(
    windows: QuerySet[UsageWindow], period: Period, column: str
) -> Iterable[Mapping[str, Any]]:
    rows: Iterable[Mapping[str, Any]] = (
        windows.filter(
            meter=CALLS_METER, window_start__gte=period.start, window_start__lt=period.end
        )
        .order_by()
        .values(column)
        .annotate(calls=Sum("quantity"), events=Sum("event_count"), errors=Sum("error_count"))
    )
    return rows

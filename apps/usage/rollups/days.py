"""Adds up the hours of a local day, once for each side that looks at it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from apps.usage.enums import AnalyticsSide
from apps.usage.rollups.slots import Slot
from apps.usage.rollups.totals import add_up_totals

_MEASURES: Final = (
    "sum(calls), sum(billable), sum(timed), sum(latency_sum_ms), sum(request_bytes), sum(response_bytes),"
    " sum(latencies)"
)
# What each side is told apart. Columns that a side does not see stay empty.
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    AnalyticsSide.CONSUMER: ("api_id", "subscription_id", "key_id", "endpoint", "status"),
    AnalyticsSide.PROVIDER: (
        "api_id",
        "plan_id",
        "consumer_organization_id",
        "endpoint",
        "status",
        "country",
    ),
    AnalyticsSide.OPERATOR: (
        "api_id",
        "consumer_organization_id",
        "provider_organization_id",
        "status",
    ),
}
_EMPTY: Final = ("endpoint", "country")
_WHOSE: Final[dict[str, str]] = {
    AnalyticsSide.CONSUMER: "hour.consumer_organization_id = of_day.organization_id",
    AnalyticsSide.PROVIDER: "hour.provider_organization_id = of_day.organization_id",
    # A sandbox's time runs ahead, and its calls are nobody's business.
    AnalyticsSide.OPERATOR: (
        "NOT EXISTS (SELECT FROM accounts_organization consumer"
        " WHERE consumer.id = hour.consumer_organization_id AND consumer.is_sandbox)"
    ),
}
_OF_DAY: Final = """
    unnest(%s::uuid[], %s::date[], %s::text[], %s::timestamptz[], %s::timestamptz[])
        AS of_day (organization_id, day, timezone, start_at, end_at)
"""
_DELETE: Final = f"""
    DELETE FROM usage_usageday old USING {_OF_DAY}
    WHERE old.side = %s AND old.day = of_day.day AND old.organization_id IS NOT DISTINCT FROM of_day.organization_id
"""  # noqa: S608 -- parts of this module only


@dataclass(frozen=True, slots=True)
class SideDay:
    """A local day of one side; the operator's has no organization and follows UTC."""

    side: AnalyticsSide
    organization_id: UUID | None
    day: date
    timezone: str = "UTC"

    @property
    def start(self) -> datetime:
        """Local midnight."""
        return _midnight(self.day, self.timezone)

    @property
    def end(self) -> datetime:
        """The next local midnight: 23, 24 or 25 hours later."""
        return _midnight(self.day + timedelta(days=1), self.timezone)


def days_of(slots: Iterable[Slot]) -> set[SideDay]:
    """Return the days that hold these slots."""
    found: set[SideDay] = set()
    for slot in slots:
        party = slot.party
        found.add(
            SideDay(
                AnalyticsSide.CONSUMER, party.consumer_id, slot.consumer_day, party.consumer_zone
            )
        )
        found.add(
            SideDay(
                AnalyticsSide.PROVIDER, party.provider_id, slot.provider_day, party.provider_zone
            )
        )
        if not party.is_sandbox:
            found.add(SideDay(AnalyticsSide.OPERATOR, None, slot.start.astimezone(UTC).date()))
    return found


def add_up_days(days: Collection[SideDay]) -> None:
    """Write these days anew from their hours, and their totals."""
    for side in AnalyticsSide:
        chosen = [day for day in days if day.side == side]
        if chosen:
            _add_up(side, chosen)


def _add_up(side: AnalyticsSide, days: Collection[SideDay]) -> None:
    columns = _COLUMNS[side]
    values: list[list[Any]] = [
        [day.organization_id for day in days],
        [day.day for day in days],
        [day.timezone for day in days],
        [day.start for day in days],
        [day.end for day in days],
    ]
    filled = "".join(f", {name}" for name in columns)
    empty = "".join(f", {name}" for name in _EMPTY if name not in columns)
    blanks = "".join(", ''" for name in _EMPTY if name not in columns)
    by = f"of_day.organization_id, of_day.day, of_day.timezone{filled}"
    # The names of columns are those above.
    insert = f"""
        INSERT INTO usage_usageday (side, organization_id, day, timezone{filled}{empty}, calls, billable, timed,
            latency_sum_ms, request_bytes, response_bytes, latencies)
        SELECT %s, {by}{blanks}, {_MEASURES}
        FROM {_OF_DAY} JOIN usage_usagehour hour ON {_WHOSE[side]}
            AND hour.slot_start >= of_day.start_at AND hour.slot_start < of_day.end_at
        GROUP BY {by}
    """  # noqa: S608 -- parts of this module only
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [*values, side.value])
        cursor.execute(insert, [side.value, *values])
    add_up_totals(side, values[0], values[1])


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)

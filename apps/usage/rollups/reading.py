"""Reads hours and days, grouped in several ways by one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.core.clock import Period
from apps.usage.chosen_period import local_day
from apps.usage.enums import AnalyticsSide
from apps.usage.figures import Figures
from apps.usage.sketch import Sketch

STEP: Final = "step"
_MEASURES: Final = """
    sum(calls)::bigint, sum(billable)::bigint,
    COALESCE(sum(calls) FILTER (WHERE status BETWEEN 300 AND 399), 0)::bigint,
    COALESCE(sum(calls) FILTER (WHERE status BETWEEN 400 AND 499), 0)::bigint,
    COALESCE(sum(calls) FILTER (WHERE status >= 500), 0)::bigint,
    COALESCE(sum(calls) FILTER (WHERE status = 0), 0)::bigint,
    sum(timed)::bigint, sum(latency_sum_ms)::bigint, sum(request_bytes)::bigint, sum(response_bytes)::bigint,
    sum(latencies)::text
"""
_MEASURE_COUNT: Final = 11
_STATUS_CLASS: Final = "status_class"
_HOURS_OF: Final[dict[str, str]] = {
    AnalyticsSide.CONSUMER: "consumer_organization_id = %s",
    AnalyticsSide.PROVIDER: "provider_organization_id = %s",
    AnalyticsSide.OPERATOR: (
        "consumer_organization_id IN (SELECT id FROM accounts_organization WHERE NOT is_sandbox)"
    ),
}

# Values of the columns that a group is made of, to what it adds up to.
Grouped = Mapping[tuple[Any, ...], Figures]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose calls, and which of them. `only` maps columns to values; `status_class` stands for a hundred of statuses."""

    side: AnalyticsSide
    organization_id: UUID | None
    timezone: str
    only: Mapping[str, Any] = field(default_factory=dict)


def read_rollups(
    scope: Scope, period: Period, *, by_day: bool, sets: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], Grouped]:
    """Return sums by each set of columns; the empty set is everything. One query.

    `step` is the local day, or with `by_day=False` the local hour. Hours are for periods of a day or so: days are a
    twenty-fourth of the rows.
    """
    table, where, values = _source(scope, period, by_day=by_day)
    columns = sorted({name for names in sets for name in names})
    listed = "".join(f", {name}" for name in columns)
    bits = f"GROUPING({', '.join(columns)})" if columns else "0"
    grouped = ", ".join(f"({', '.join(group)})" for group in sets)
    inner = "".join(f", {name}" for name in columns if name not in (STEP, "status"))
    # The names of columns come from code; what a reader chose is among the values.
    statement = f"""
        SELECT {bits}{listed}, {_MEASURES}
        FROM (
            SELECT {_step(by_day=by_day)} AS step{inner}, status, calls, billable, timed, latency_sum_ms, request_bytes,
                response_bytes, latencies
            FROM {table} WHERE {where}
        ) rollup
        GROUP BY GROUPING SETS ({grouped})
    """  # noqa: S608 -- see above
    steps = [] if by_day else [scope.timezone]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*steps, *values])
        rows = cursor.fetchall()
    return _sorted_out(rows, columns, sets)


def _sorted_out(
    rows: Sequence[Sequence[Any]], columns: Sequence[str], sets: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], Grouped]:
    """Tell rows apart by GROUPING's bits: a column that a row is not grouped by has its bit set."""
    by_bits = {
        sum(1 << place for place, name in enumerate(reversed(columns)) if name not in group): group
        for group in sets
    }
    found: dict[tuple[str, ...], dict[tuple[Any, ...], Figures]] = defaultdict(dict)
    for bits, *rest in rows:
        group = by_bits[bits]
        values = dict(zip(columns, rest, strict=False))
        measures = rest[-_MEASURE_COUNT:]
        if measures[0] is None:  # the empty set has a row even where nothing is
            continue
        sums: list[Any] = [*measures[:-1], Sketch(int(measures[-1]))]
        found[group][tuple(values[name] for name in group)] = Figures(*sums)
    return {group: found.get(group, {}) for group in sets}


def _source(scope: Scope, period: Period, *, by_day: bool) -> tuple[str, str, list[Any]]:
    if by_day:
        table = "usage_usageday"
        where = ["side = %s", "organization_id IS NOT DISTINCT FROM %s", "day >= %s", "day < %s"]
        values: list[Any] = [
            scope.side.value,
            scope.organization_id,
            local_day(period.start, scope.timezone),
            local_day(period.end, scope.timezone),
        ]
        if scope.organization_id is not None:
            where[1] = "organization_id = %s"  # which an index serves
        else:
            where[1], values = "organization_id IS NULL", [values[0], *values[2:]]
    else:
        table = "usage_usagehour"
        where = [_HOURS_OF[scope.side], "slot_start >= %s", "slot_start < %s"]
        whose = [] if scope.side == AnalyticsSide.OPERATOR else [scope.organization_id]
        values = [*whose, period.start.astimezone(UTC), period.end.astimezone(UTC)]
    for column, value in scope.only.items():
        if column == _STATUS_CLASS:
            where.append("status >= %s AND status < %s")
            values += [value * 100, value * 100 + 100]
        else:
            where.append(f"{column} = %s")
            values.append(value)
    return table, " AND ".join(where), values


def _step(*, by_day: bool) -> str:
    return "day" if by_day else "date_trunc('hour', slot_start, %s)"

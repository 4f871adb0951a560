"""Reads hours, days and totals of days, grouped in several ways by one statement."""

from __future__ import annotations

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
from apps.usage.rollups.totals import CLASSES, split_for
from apps.usage.sketch import Sketch

STEP: Final = "step"
_SUMS: Final = (
    "calls",
    "billable",
    *CLASSES,
    "timed",
    "latency_sum_ms",
    "request_bytes",
    "response_bytes",
)
_MEASURES: Final = ", ".join([*(f"sum({name})::bigint" for name in _SUMS), "sum(latencies)::text"])
_MEASURE_COUNT: Final = len(_SUMS) + 1
# Of columns that are not ids.
_TYPES: Final = {"endpoint": "text", "country": "text", "status": "smallint"}
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
) -> Mapping[tuple[str, ...], Grouped]:
    """Return sums by each set of columns; the empty set is everything. One query.

    `step` is the local day, or with `by_day=False` the local hour. Hours are for periods of a day or so: days are a
    twenty-fourth of the rows, and where totals of days tell everything apart that is asked for, they are far fewer.
    """
    columns = sorted({name for names in sets for name in names})
    splits = _splits(scope, sets) if by_day else None
    if splits is None:
        statement, values = _from_rows(scope, period, by_day=by_day, sets=sets)
    else:
        statement, values = _from_totals(scope, period, list(zip(sets, splits, strict=True)))
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    found: dict[tuple[str, ...], dict[tuple[Any, ...], Figures]] = {group: {} for group in sets}
    for number, *rest in rows:
        measures: list[Any] = rest[-_MEASURE_COUNT:]
        if measures[0] is None:  # the empty set has a row even where nothing is
            continue
        measures[-1] = Sketch.read(measures[-1])
        named = dict(zip(columns, rest, strict=False))
        group = sets[number]
        found[group][tuple(named[name] for name in group)] = Figures(*measures)
    return found


def _splits(scope: Scope, sets: Sequence[tuple[str, ...]]) -> list[str] | None:
    """Return the split of totals that each set can be read from, or None when one cannot."""
    fixed = {"status" if name == _STATUS_CLASS else name for name in scope.only}
    found = [split_for(scope.side, {*group, *fixed} - {STEP}) for group in sets]
    splits = [split for split in found if split is not None]
    return splits if len(splits) == len(found) else None


def _from_totals(
    scope: Scope, period: Period, sets: Sequence[tuple[tuple[str, ...], str]]
) -> tuple[str, list[Any]]:
    """Read each set from the totals that are told apart by no more than it needs."""
    where, values = _where_of_days(scope, period)
    source = (
        f"(SELECT *, day AS {STEP} FROM usage_usagedaytotal WHERE split = %s AND {where}) total"  # noqa: S608 -- parts of this module
    )
    groups = [group for group, _split in sets]
    statement = _each(groups, [source] * len(sets), step_type="date")
    return statement, [value for _group, split in sets for value in (split, *values)]


def _from_rows(
    scope: Scope, period: Period, *, by_day: bool, sets: Sequence[tuple[str, ...]]
) -> tuple[str, list[Any]]:
    """Read days or hours once, by step and by every combination of the rest; then add combinations up for each set.

    A month has hardly more combinations than a day, so what is added up again is a small part of what was read.
    """
    if by_day:
        (where, values), table, step = _where_of_days(scope, period), "usage_usageday", "day"
    else:
        (where, values), table = _where_of_hours(scope, period), "usage_usagehour"
        step, values = "date_trunc('hour', slot_start, %s)", [scope.timezone, *values]
    fine = sorted({name for group in sets for name in group} - {STEP})
    has_steps = (STEP,) in sets
    ways = [*([STEP] if has_steps else []), *([", ".join(fine)] if {*sets} - {(STEP,)} else [])]
    is_step = f"GROUPING({STEP}) = 0 AS is_step, {STEP}" if has_steps else "FALSE AS is_step"
    inner = "".join(f", {name}" for name in fine if name != "status")
    sums = [f"sum({name}) AS {name}" for name in (*_SUMS, "latencies") if name not in CLASSES]
    sums += [
        f"COALESCE(sum(calls) FILTER (WHERE {known}), 0) AS {name}"
        for name, known in CLASSES.items()
    ]
    # The names of columns come from code; what a reader chose is among the values.
    once = f"""
        WITH once AS MATERIALIZED (
            SELECT {", ".join([is_step, *fine, *sums])}
            FROM (
                SELECT {step} AS {STEP}{inner}, status, calls, billable, timed, latency_sum_ms, request_bytes,
                    response_bytes, latencies
                FROM {table} WHERE {where}
            ) rollup
            GROUP BY GROUPING SETS ({", ".join(f"({way})" for way in ways)})
        )
    """  # noqa: S608 -- see above
    steps, rest = (f"(SELECT * FROM once WHERE is_step = {which}) part" for which in (True, False))  # noqa: S608 -- a constant
    sources = [steps if STEP in group else rest for group in sets]
    return once + _each(sets, sources, step_type="date" if by_day else "timestamptz"), values


def _each(sets: Sequence[tuple[str, ...]], sources: Sequence[str], *, step_type: str) -> str:
    """Return a statement that adds up each set from its source; its rows begin with the number of their set."""
    columns = sorted({name for group in sets for name in group})
    types = {**_TYPES, STEP: step_type}
    parts = []
    for number, (group, source) in enumerate(zip(sets, sources, strict=True)):
        shown = [name if name in group else f"NULL::{types.get(name, 'uuid')}" for name in columns]
        grouped = f"GROUP BY {', '.join(group)}" if group else ""
        listed = ", ".join([str(number), *shown, _MEASURES])
        parts.append(f"SELECT {listed} FROM {source} {grouped}")  # noqa: S608 -- see above
    return " UNION ALL ".join(parts)


def _where_of_days(scope: Scope, period: Period) -> tuple[str, list[Any]]:
    where = ["side = %s", "day >= %s", "day < %s"]
    values: list[Any] = [
        scope.side.value,
        local_day(period.start, scope.timezone),
        local_day(period.end, scope.timezone),
    ]
    if scope.organization_id is None:
        where.append("organization_id IS NULL")
    else:  # which an index serves, unlike IS NOT DISTINCT FROM
        where.append("organization_id = %s")
        values.append(scope.organization_id)
    return _narrowed(scope, where, values)


def _where_of_hours(scope: Scope, period: Period) -> tuple[str, list[Any]]:
    where = [_HOURS_OF[scope.side], "slot_start >= %s", "slot_start < %s"]
    whose = [] if scope.side == AnalyticsSide.OPERATOR else [scope.organization_id]
    values = [*whose, period.start.astimezone(UTC), period.end.astimezone(UTC)]
    return _narrowed(scope, where, values)


def _narrowed(scope: Scope, where: list[str], values: list[Any]) -> tuple[str, list[Any]]:
    for column, value in scope.only.items():
        if column == _STATUS_CLASS:
            where.append("status >= %s AND status < %s")
            values += [value * 100, value * 100 + 100]
        else:
            where.append(f"{column} = %s")
            values.append(value)
    return " AND ".join(where), values

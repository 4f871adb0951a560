"""Adds up the rows of a local day in each way that pages ask for, so that they need not read every combination.

A day of a busy side has a row for each combination of key, endpoint and status: thousands. What a page shows of it is some
hundred sums, each by one of these alone. All totals of a side are told apart by its base; filters on the base, and the
series, need nothing else. What combines two splits (a key's endpoints) is read from the days themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connection

from apps.usage.enums import AnalyticsSide, TotalSplit

# What belongs to an API, or to a subscription as a rule, makes hardly more rows.
BASES: Final[Mapping[str, tuple[str, ...]]] = {
    AnalyticsSide.CONSUMER: ("api_id", "subscription_id"),
    AnalyticsSide.PROVIDER: ("api_id", "plan_id"),
    AnalyticsSide.OPERATOR: ("api_id", "provider_organization_id"),
}
SPLITS: Final[Mapping[str, Mapping[TotalSplit, str]]] = {
    AnalyticsSide.CONSUMER: {
        TotalSplit.KEY: "key_id",
        TotalSplit.ENDPOINT: "endpoint",
        TotalSplit.STATUS: "status",
    },
    AnalyticsSide.PROVIDER: {
        TotalSplit.CONSUMER: "consumer_organization_id",
        TotalSplit.ENDPOINT: "endpoint",
        TotalSplit.COUNTRY: "country",
        TotalSplit.STATUS: "status",
    },
    AnalyticsSide.OPERATOR: {
        TotalSplit.CONSUMER: "consumer_organization_id",
        TotalSplit.STATUS: "status",
    },
}
# In the table they are never null.
_EMPTY: Final[Mapping[str, str]] = {"endpoint": "''", "country": "''", "status": "0"}
_SUMS: Final = (
    "calls",
    "billable",
    "timed",
    "latency_sum_ms",
    "request_bytes",
    "response_bytes",
    "latencies",
)
# The classes of a status, as `Figures` has them.
CLASSES: Final[Mapping[str, str]] = {
    "redirected": "status BETWEEN 300 AND 399",
    "refused": "status BETWEEN 400 AND 499",
    "failed": "status >= 500",
    "unconfirmed": "status = 0",
}


def split_for(side: AnalyticsSide, columns: Iterable[str]) -> str | None:
    """Return the split whose totals tell these columns apart: empty for the base alone, None when no totals do."""
    further = set(columns) - set(BASES[side])
    if not further:
        return ""
    return next((split for split, name in SPLITS[side].items() if further == {name}), None)


def add_up_totals(
    side: AnalyticsSide, organization_ids: list[UUID | None], days: list[date]
) -> None:
    """Write totals anew from the rows of each organization's day; the operator has no organization."""
    own = (
        "organization_id IS NULL"
        if side is AnalyticsSide.OPERATOR
        else "organization_id = of_day.id"
    )
    of_day = "unnest(%s::uuid[], %s::date[]) AS of_day (id, day)"
    # The names of columns come from this module.
    delete = f"""
        DELETE FROM usage_usagedaytotal old USING {of_day}
        WHERE old.side = %s AND old.day = of_day.day AND old.{own}
    """  # noqa: S608 -- see above
    with connection.cursor() as cursor:
        cursor.execute(delete, [organization_ids, days, side.value])
        cursor.execute(_insert(side, of_day, own), [side.value, organization_ids, days, side.value])


def _insert(side: AnalyticsSide, of_day: str, own: str) -> str:
    splits = SPLITS[side]
    columns = [*BASES[side], *splits.values()]
    base = ["organization_id", "day", *BASES[side]]
    blanks = [name for name in _EMPTY if name not in columns]
    shown = [f"COALESCE({name}, {_EMPTY[name]})" if name in _EMPTY else name for name in columns]
    return f"""
        INSERT INTO usage_usagedaytotal (side, organization_id, day, split, {_listed([*columns, *blanks, *_SUMS, *CLASSES])})
        SELECT %s, organization_id, day, CASE {_whens(splits)} ELSE '' END,
            {_listed([*shown, *(_EMPTY[name] for name in blanks)])}, {_listed(f"sum({name})" for name in _SUMS)},
            {_listed(f"COALESCE(sum(calls) FILTER (WHERE {known}), 0)" for known in CLASSES.values())}
        FROM (
            SELECT rows.* FROM {of_day} JOIN usage_usageday rows
                ON rows.side = %s AND rows.day = of_day.day AND rows.{own}
        ) whole
        GROUP BY GROUPING SETS ({_listed(f"({_listed(group)})" for group in _sets(base, splits.values()))})
    """  # noqa: S608 -- parts of this module only


def _whens(splits: Mapping[TotalSplit, str]) -> str:
    return " ".join(f"WHEN GROUPING({name}) = 0 THEN '{split}'" for split, name in splits.items())


def _sets(base: Sequence[str], further: Iterable[str]) -> list[list[str]]:
    return [[*base], *([*base, name] for name in further)]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)

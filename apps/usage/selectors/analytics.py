"""Analytics: what calls add up to in a period, by whom they concern.

Read from hours and days that a job adds up (docs/domain/analytics.md), so a year costs what a week does. Each side has its own
view, with what it may tell apart: a provider sees organizations, never keys or addresses; a consumer its own keys only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from apps.accounts.models import Organization
from apps.core.clock import Period
from apps.usage.chosen_period import ChosenPeriod
from apps.usage.enums import AnalyticsSide
from apps.usage.figures import Figures, Point
from apps.usage.rollups.reading import STEP, Scope, read_rollups
from apps.usage.selectors.analytics_labels import Value, label_values
from apps.usage.series import steps_of

# What each side may group by, and the columns that each group is made of.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "api": ("api_id",),
    "subscription": ("subscription_id",),
    "plan": ("plan_id",),
    "key": ("key_id",),
    "endpoint": ("api_id", "endpoint"),
    "status": ("status",),
    "consumer": ("consumer_organization_id",),
    "provider": ("provider_organization_id",),
    "country": ("country",),
    "day": (STEP,),
}
GROUPS: Final[dict[AnalyticsSide, tuple[str, ...]]] = {
    AnalyticsSide.CONSUMER: ("api", "subscription", "key", "endpoint", "status", "day"),
    AnalyticsSide.PROVIDER: ("api", "plan", "consumer", "endpoint", "country", "status", "day"),
    AnalyticsSide.OPERATOR: ("api", "provider", "consumer", "status", "day"),
}
DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class OperatorTime:
    """The operator's days are those of UTC."""

    timezone: str = "UTC"
    clock_offset: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Group:
    """One value of what was grouped by, and its share of all calls."""

    value: Value
    figures: Figures
    share: float


@dataclass(frozen=True, slots=True)
class GroupPage:
    """A page of groups, the most called first; `other` is what all later ones add up to."""

    rows: list[Group]
    other: Figures | None
    total: int


@dataclass(frozen=True, slots=True)
class Analytics:
    """A period: what it adds up to, the one before it, hour by hour or day by day, and by what was asked for."""

    chosen: ChosenPeriod
    now: Figures
    before: Figures
    points: list[Point]
    groups: dict[str, GroupPage]


def consumer_scope(organization: Organization) -> Scope:
    """Return the calls that an organization made."""
    return Scope(AnalyticsSide.CONSUMER, organization.pk, organization.timezone)


def provider_scope(organization: Organization) -> Scope:
    """Return the calls that an organization's APIs answered."""
    return Scope(AnalyticsSide.PROVIDER, organization.pk, organization.timezone)


def operator_scope() -> Scope:
    """Return all calls but those of sandboxes."""
    return Scope(AnalyticsSide.OPERATOR, None, OperatorTime().timezone)


def narrow(scope: Scope, only: Mapping[str, Any]) -> Scope:
    """Keep the calls with these values of columns (see `analytics_filters`)."""
    return replace(scope, only={**scope.only, **only})


def analyse(
    scope: Scope, chosen: ChosenPeriod, *, groups: Sequence[str] = (), top: int = 10
) -> Analytics:
    """Return a period's figures, its series, and its top groups of each kind. Two queries, and one for each kind of name."""
    by_day = chosen.span.by_day
    sets = [(STEP,), *(COLUMNS[name] for name in groups if name != "day")]
    found = read_rollups(scope, chosen.period, by_day=by_day, sets=sets)
    before = read_rollups(scope, chosen.previous, by_day=by_day, sets=[()])
    steps = found[(STEP,)]
    total = sum(steps.values(), Figures())
    return Analytics(
        chosen=chosen,
        now=total,
        before=before[()].get((), Figures()),
        points=_points(steps, chosen.period, scope.timezone, by_day=by_day),
        groups={name: _page(name, found[COLUMNS[name]], limit=top, offset=0) for name in groups},
    )


def group_page(
    scope: Scope, chosen: ChosenPeriod, *, by: str, limit: int = DEFAULT_LIMIT, offset: int = 0
) -> GroupPage:
    """Return some groups of one kind, the most called first; days in their order. Two queries."""
    columns = COLUMNS[by]
    found = read_rollups(scope, chosen.period, by_day=chosen.span.by_day, sets=[columns])
    return _page(by, found[columns], limit=limit, offset=offset)


def totals(scope: Scope, period: Period, *, by_day: bool) -> Figures:
    """Return what a period adds up to. One query."""
    return read_rollups(scope, period, by_day=by_day, sets=[()])[()].get((), Figures())


def points_of(scope: Scope, period: Period, *, by_day: bool) -> list[Point]:
    """Return figures per hour or local day, with zeros where nothing happened. One query."""
    steps = read_rollups(scope, period, by_day=by_day, sets=[(STEP,)])[(STEP,)]
    return _points(steps, period, scope.timezone, by_day=by_day)


def _points(
    steps: Mapping[tuple[Any, ...], Figures], period: Period, timezone: str, *, by_day: bool
) -> list[Point]:
    zone = ZoneInfo(timezone)
    found = {_instant(step, zone): figures for (step,), figures in steps.items()}
    slots = steps_of(period, zone, by_day=by_day)
    return [Point(at, found.get(at, Figures())) for at in slots]


def _instant(step: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(step, datetime):
        return step.astimezone(zone)
    return datetime.combine(step, time.min, zone)


def _page(
    by: str, found: Mapping[tuple[Any, ...], Figures], *, limit: int, offset: int
) -> GroupPage:
    if by == "day":
        ordered = sorted(found.items())
    else:
        ordered = sorted(found.items(), key=lambda item: (-item[1].calls, str(item[0])))
    shown, later = ordered[offset : offset + limit], ordered[offset + limit :]
    values = label_values(by, [key for key, _figures in shown])
    calls = sum(figures.calls for figures in found.values())
    rows = [
        Group(value, figures, figures.calls / calls if calls else 0.0)
        for value, (_key, figures) in zip(values, shown, strict=True)
    ]
    other = sum((figures for _key, figures in later), Figures()) if later else None
    return GroupPage(rows, other, len(ordered))

"""What an organization reads about its plan: what it has used and has left, and how the plans compare."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.accounts.enums import PlatformFeature, PlatformLimit
from apps.accounts.platform_plans.counting import used_of
from apps.accounts.platform_plans.definitions import PlatformPlan
from apps.accounts.platform_plans.registry import current_plans
from apps.accounts.platform_plans.standings import Standing, standing_of


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How much of a limit is used; `most` is None for as many as you like."""

    limit: PlatformLimit
    used: int
    most: int | None

    @property
    def left(self) -> int | None:
        """How many more there may be."""
        return None if self.most is None else max(0, self.most - self.used)


@dataclass(frozen=True, slots=True)
class PlanOverview:
    """An organization's plan with its limits and features, each of both in the order of the product."""

    standing: Standing
    limits: tuple[LimitUse, ...]

    @property
    def plan(self) -> PlatformPlan:
        """The plan that holds."""
        return self.standing.plan

    @property
    def until(self) -> datetime | None:
        """When it ends, if it does."""
        return self.standing.until


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A line of the comparison: one limit or feature in every plan, from the smallest to the largest, with the plan."""

    key: str
    label: str
    cells: tuple[tuple[PlatformPlan, int | bool | None], ...]
    is_feature: bool
    is_wanted: bool


def plan_overview(organization_id: UUID) -> PlanOverview:
    """Return what an organization's plan is, and what is used of it. One query for each limit, two for members."""
    standing = standing_of(organization_id)
    limits = tuple(
        LimitUse(limit, used_of(organization_id, limit), standing.plan.limit_of(limit))
        for limit in PlatformLimit
    )
    return PlanOverview(standing, limits)


def compare_plans(wanted: str = "") -> list[ComparedRow]:
    """Return every limit and feature of every plan; `wanted` marks the line that somebody came for."""
    plans = current_plans().plans
    limits = [
        ComparedRow(
            limit.value,
            str(limit.label),
            tuple((plan, plan.limit_of(limit)) for plan in plans),
            is_feature=False,
            is_wanted=limit.value == wanted,
        )
        for limit in PlatformLimit
    ]
    features = [
        ComparedRow(
            feature.value,
            str(feature.label),
            tuple((plan, feature in plan.features) for plan in plans),
            is_feature=True,
            is_wanted=feature.value == wanted,
        )
        for feature in PlatformFeature
    ]
    return [*limits, *features]

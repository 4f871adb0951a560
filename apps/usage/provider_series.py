"""How a provider's calls went: status classes and latency, from the hours and days that a job adds up.

Windows hold how many calls came and how many failed, and are what bills are made of; how they failed and how long they took
stands in the rollups (docs/domain/analytics.md), at most a minute or so behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.clock import Period
from apps.usage.chosen_period import ChosenPeriod
from apps.usage.enums import AnalyticsSide
from apps.usage.figures import Figures
from apps.usage.rollups.reading import Scope
from apps.usage.selectors import analyse


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


@dataclass(frozen=True, slots=True)
class CallDetail:
    """The latency of a period and of the one before, and the failures of each hour or local day."""

    now: Latency
    before: Latency
    failures: Mapping[datetime, Failures]


def call_detail(
    organization_id: UUID | None, chosen: ChosenPeriod, *, api_id: UUID | None
) -> CallDetail:
    """Return how the calls of a provider's APIs went, of one API or of all. Two queries, whatever the period's length."""
    only = {} if api_id is None else {"api_id": api_id}
    scope = Scope(AnalyticsSide.PROVIDER, organization_id, chosen.timezone, only)
    found = analyse(scope, chosen)
    return CallDetail(
        now=_latency(found.now, chosen.period),
        before=_latency(found.before, chosen.previous),
        failures={
            point.at: Failures(point.figures.refused, point.figures.failed)
            for point in found.points
        },
    )


def _latency(figures: Figures, period: Period) -> Latency:
    return Latency(figures.p50_ms, figures.p95_ms, period)

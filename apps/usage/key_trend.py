"""How much one key was used lately, for its page: from the days that a job adds up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from apps.core import clock
from apps.core.clock import Period
from apps.core.plots import Spark, draw_spark
from apps.keys.models import ApiKey
from apps.usage.enums import AnalyticsSide
from apps.usage.rollups.reading import Scope
from apps.usage.selectors import points_of

DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class KeyTrend:
    """The calls of a key today and in the 30 days before, and the line of them."""

    calls: int
    line: Spark


def key_trend(key: ApiKey, label: str) -> KeyTrend:
    """Return how much a key was used, by days of its organization's time zone. One query."""
    organization = key.organization
    now = clock.business_now(organization)
    scope = Scope(
        AnalyticsSide.CONSUMER, organization.pk, organization.timezone, {"key_id": key.pk}
    )
    period = Period(now - timedelta(days=DAYS), now + timedelta(days=1))
    days = [point.figures.calls for point in points_of(scope, period, by_day=True)][: DAYS + 1]
    return KeyTrend(sum(days), draw_spark(label, days))

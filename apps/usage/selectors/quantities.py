"""Quantities of periods, read from windows; and whether a period's calls have all arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Min, Sum

from apps.core.clock import Period
from apps.pricing.models import CALLS_METER
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.enums import BatchStatus
from apps.usage.models import (
    UsageBatch,
    UsageWindow,
)
from apps.usage.selectors.period_quantities import quantities_for
from apps.usage.selectors.shippers import serving_shippers


def usage_is_complete(until: datetime) -> bool:
    """Whether every call decided before `until` (real time) has been shipped and processed."""
    oldest = oldest_call_under_way()
    return oldest is None or oldest >= until


def oldest_call_under_way() -> datetime | None:
    """Return when the oldest call was decided that has not been shipped or processed yet (real time). Two queries."""
    waiting = UsageBatch.objects.filter(status__in=(BatchStatus.PENDING, BatchStatus.FAILED))
    moments = (
        waiting.aggregate(oldest=Min("oldest_event_at"))["oldest"],
        serving_shippers().aggregate(oldest=Min("oldest_unshipped_at"))["oldest"],
    )
    return min((at for at in moments if at is not None), default=None)


def used_calls(subscription_id: UUID, period: Period) -> int:
    """Return the billed calls of a subscription in a period of its business time."""
    total = UsageWindow.objects.filter(
        subscription_id=subscription_id,
        meter=CALLS_METER,
        window_start__gte=period.start,
        window_start__lt=period.end,
    ).aggregate(total=Sum("quantity"))["total"]
    return int(total or 0)


def used_calls_for(questions: Sequence[UsageQuestion]) -> dict[UsageQuestion, int]:
    """Return the billed calls for many subscriptions and periods: the source of quota standings."""
    return {
        question: int(sums.get(CALLS_METER, 0))
        for question, sums in quantities_for(questions).items()
    }

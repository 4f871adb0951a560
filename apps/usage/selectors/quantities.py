"""Quantities of periods, read from windows; and whether a period's calls have all arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from apps.core.clock import Period
from apps.pricing.models import CALLS_METER
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.enums import BatchStatus
from apps.usage.models import (
    UsageBatch,
    UsageWindow,
)
from apps.usage.selectors.shippers import serving_shippers

_SUM_WINDOWS: Final = """
    SELECT asked.position, w.meter, SUM(w.quantity)
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS asked (subscription_id, period_start, period_end, position)
    JOIN usage_usagewindow w ON w.subscription_id = asked.subscription_id
        AND w.window_start >= asked.period_start AND w.window_start < asked.period_end
    GROUP BY asked.position, w.meter
"""


def usage_is_complete(until: datetime) -> bool:
    """Whether every call decided before `until` (real time) has been shipped and processed."""
    is_waiting = UsageBatch.objects.filter(
        status__in=(BatchStatus.PENDING, BatchStatus.FAILED), oldest_event_at__lt=until
    ).exists()
    is_shipping = serving_shippers().filter(oldest_unshipped_at__lt=until).exists()
    return not is_waiting and not is_shipping


def used_calls(subscription_id: UUID, period: Period) -> int:
    """Return the billed calls of a subscription in a period of its business time."""
    total = UsageWindow.objects.filter(
        subscription_id=subscription_id,
        meter=CALLS_METER,
        window_start__gte=period.start,
        window_start__lt=period.end,
    ).aggregate(total=Sum("quantity"))["total"]
    return int(total or 0)


def quantities_in(subscription_id: UUID, period: Period) -> dict[str, Decimal]:
    """Return the quantity of each meter in a period of business time."""
    rows = (
        UsageWindow.objects.filter(
            subscription_id=subscription_id,
            window_start__gte=period.start,
            window_start__lt=period.end,
        )
        .values_list("meter")
        .annotate(total=Sum("quantity"))
    )
    return dict(rows)


def quantities_for(questions: Sequence[UsageQuestion]) -> dict[UsageQuestion, dict[str, Decimal]]:
    """Return the quantity of each meter for many subscriptions and periods. One query."""
    found: dict[UsageQuestion, dict[str, Decimal]] = {question: {} for question in questions}
    with connection.cursor() as cursor:
        cursor.execute(
            _SUM_WINDOWS,
            [
                [question.subscription_id for question in questions],
                [question.period.start for question in questions],
                [question.period.end for question in questions],
            ],
        )
        for position, meter, total in cursor.fetchall():
            found[questions[position - 1]][meter] = total
    return found


def used_calls_for(questions: Sequence[UsageQuestion]) -> dict[UsageQuestion, int]:
    """Return the billed calls for many subscriptions and periods: the source of quota standings."""
    return {
        question: int(sums.get(CALLS_METER, 0))
        for question, sums in quantities_for(questions).items()
    }

"""Windows against the calls that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.core.ids import format_public_id
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription

MOST: Final = 500

# Windows beside their calls; then calls of these hours that have no window at all. What is behind the cutoff was closed
# with its period: it does not change any more, and calls that came after are late ones.
_DISAGREEING: Final = """
    SELECT w.subscription_id, w.window_start, w.quantity, w.event_count, calls.billed, calls.counted
    FROM usage_usagewindow w
    LEFT JOIN usage_usagecutoff c ON c.subscription_id = w.subscription_id
    CROSS JOIN LATERAL (
        SELECT COUNT(*) AS counted, COUNT(*) FILTER (WHERE e.is_billable) AS billed
        FROM usage_usageevent e
        WHERE e.subscription_id = w.subscription_id
          AND e.occurred_at >= w.window_start AND e.occurred_at < w.window_end AND e.outcome <> 'measured'
    ) calls
    WHERE w.subscription_id = ANY(%s) AND w.meter = %s AND w.window_start >= %s
      AND (c.closed_until IS NULL OR w.window_start >= c.closed_until)
      AND (calls.counted <> w.event_count OR calls.billed <> w.quantity)
    UNION ALL
    SELECT e.subscription_id, date_trunc('hour', e.occurred_at), 0, 0, COUNT(*) FILTER (WHERE e.is_billable), COUNT(*)
    FROM usage_usageevent e
    LEFT JOIN usage_usagecutoff c ON c.subscription_id = e.subscription_id
    WHERE e.subscription_id = ANY(%s) AND e.occurred_at >= %s AND e.outcome <> 'measured'
      AND (c.closed_until IS NULL OR e.occurred_at >= c.closed_until)
      AND NOT EXISTS (
          SELECT 1 FROM usage_usagewindow w
          WHERE w.subscription_id = e.subscription_id AND w.meter = %s
            AND w.window_start <= e.occurred_at AND w.window_end > e.occurred_at)
    GROUP BY 1, 2
    ORDER BY 1, 2
    LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class WrongWindow:
    """A window that is not the sum of its calls: what it says, and what the calls say."""

    subscription: str
    window_start: datetime
    quantity: int
    event_count: int
    billed_calls: int
    calls: int

    def as_json(self) -> dict[str, Any]:
        """Return the plain form that a report keeps."""
        return {**asdict(self), "window_start": self.window_start.isoformat()}


def wrong_windows(subscription_ids: Sequence[UUID], since: datetime) -> list[WrongWindow]:
    """Return windows of open periods from a moment of business time on that are not the sum of their calls. One query."""
    with connection.cursor() as cursor:
        ids = list(subscription_ids)
        cursor.execute(_DISAGREEING, [ids, CALLS_METER, since, ids, since, CALLS_METER, MOST])
        return [
            WrongWindow(
                subscription=format_public_id(Subscription.id_prefix, row[0]),
                window_start=row[1],
                quantity=int(row[2]),
                event_count=row[3],
                billed_calls=row[4],
                calls=row[5],
            )
            for row in cursor.fetchall()
        ]

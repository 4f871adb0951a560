"""How intake and processing are doing: what waits, for how long, what failed, how fast it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.core import clock
from apps.usage.enums import BatchStatus
from apps.usage.models import UsageBatch

LOOK_BACK: Final = timedelta(hours=1)
# Ids begin with their time in milliseconds, so the primary key's index finds what came lately.
_LATEST: Final = """
    SELECT coalesce(sum(event_count), 0), count(*),
        coalesce(sum(jsonb_array_length(rejections)) , 0),
        coalesce(max(extract(epoch FROM processed_at - created_at)), 0),
        coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM processed_at - created_at)), 0)
    FROM usage_usagebatch WHERE id >= %s
"""
_BY_MINUTE: Final = """
    SELECT date_trunc('minute', created_at) AS minute, coalesce(sum(event_count), 0)
    FROM usage_usagebatch WHERE id >= %s GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class InboxStanding:
    """The inbox now, and what came in the last hour. Times are seconds."""

    pending: int
    failed: int
    oldest_pending_s: float
    events: int
    batches: int
    rejected: int
    worst_lag_s: float
    usual_lag_s: float

    @property
    def by_state(self) -> dict[str, int]:
        """Batches that are not done, by state."""
        return {BatchStatus.PENDING.value: self.pending, BatchStatus.FAILED.value: self.failed}


def inbox_standing() -> InboxStanding:
    """Read the inbox: by partial indexes what is not done, by the primary key what came in the last hour."""
    now = clock.now()
    pending = UsageBatch.objects.filter(status=BatchStatus.PENDING)
    oldest = pending.order_by("id").values_list("created_at", flat=True).first()
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [first_id_at(now - LOOK_BACK)])
        events, batches, rejected, worst, usual = cursor.fetchone()
    return InboxStanding(
        pending=pending.count(),
        failed=UsageBatch.objects.filter(status=BatchStatus.FAILED).count(),
        oldest_pending_s=(now - oldest).total_seconds() if oldest else 0.0,
        events=int(events),
        batches=batches,
        rejected=int(rejected),
        worst_lag_s=float(worst),
        usual_lag_s=float(usual),
    )


def events_by_minute() -> list[tuple[datetime, int]]:
    """Return how many events came in each minute of the last hour, with zeros, oldest first."""
    end = clock.now().replace(second=0, microsecond=0)
    start = end - LOOK_BACK
    with connection.cursor() as cursor:
        cursor.execute(_BY_MINUTE, [first_id_at(start)])
        found: dict[Any, int] = {minute: int(count) for minute, count in cursor.fetchall()}
    minutes = [start + timedelta(minutes=number) for number in range(1, 61)]
    return [(minute, found.get(minute, 0)) for minute in minutes]


def first_id_at(instant: datetime) -> UUID:
    """Return the lowest id that a row made at an instant, or later, may have."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)

"""Gauges of intake and processing."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.metrics import Gauge, business_gauges
from apps.core.models import DeadLetter
from apps.usage.constants import CONFLICT_SOURCE
from apps.usage.selectors.inbox import inbox_standing


@business_gauges
def inbox_gauges() -> Iterator[Gauge]:
    """What waits in the inbox, for how long, what failed, and what was rejected or in conflict."""
    found = inbox_standing()
    for state, count in found.by_state.items():
        yield Gauge(
            "tollgate_usage_batches", "Usage batches that are not done", count, {"status": state}
        )
    yield Gauge(
        "tollgate_usage_inbox_oldest_seconds",
        "Age of the oldest batch that waits",
        found.oldest_pending_s,
    )
    for name, value in (("usual", found.usual_lag_s), ("worst", found.worst_lag_s)):
        yield Gauge(
            "tollgate_usage_lag_seconds",
            "From receipt to processing, of the last hour's batches: median and maximum",
            value,
            {"which": name},
        )
    yield Gauge("tollgate_usage_events_last_hour", "Events taken in the last hour", found.events)
    yield Gauge(
        "tollgate_usage_rejected_last_hour", "Events rejected in the last hour", found.rejected
    )
    conflicts = DeadLetter.objects.filter(source=CONFLICT_SOURCE, resolved_at=None).count()
    yield Gauge("tollgate_usage_conflicts", "Open events whose id was taken", conflicts)

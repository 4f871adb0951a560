"""Sums probes up by day, and forgets the single ones after a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction

from apps.apis.models import HealthCheck
from apps.core import clock

KEEP_CHECKS_FOR: Final = timedelta(days=8)
SUMMED_AGAIN_FOR: Final = timedelta(days=2)
_SUM_UP: Final = """
    INSERT INTO apis_healthday (api_id, day, check_count, healthy_count, latency_p50_ms, latency_p95_ms)
    SELECT api_id, (checked_at AT TIME ZONE 'UTC')::date, count(*), count(*) FILTER (WHERE is_healthy),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE is_healthy),
        percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE is_healthy)
    FROM apis_healthcheck WHERE checked_at >= date_trunc('day', %(since)s, 'UTC')
    GROUP BY 1, 2
    ON CONFLICT (api_id, day) DO UPDATE SET check_count = excluded.check_count,
        healthy_count = excluded.healthy_count, latency_p50_ms = excluded.latency_p50_ms,
        latency_p95_ms = excluded.latency_p95_ms
"""


def sum_up_health() -> dict[str, int]:
    """Write the days that may have changed, then delete probes that are older than eight days.

    Returns:
        How many days were written and how many probes were deleted. Doing it again changes nothing.
    """
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SUM_UP, {"since": now - SUMMED_AGAIN_FOR})
        written = cursor.rowcount
        deleted, _by_model = HealthCheck.objects.filter(
            checked_at__lt=now - KEEP_CHECKS_FOR
        ).delete()
    return {"days": written, "deleted": deleted}

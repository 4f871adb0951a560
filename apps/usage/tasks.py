"""Scheduled jobs of this app."""

from __future__ import annotations

from datetime import timedelta

from apps.core.jobs import JobContext, job
from apps.core.partitions import ensure_monthly_partitions
from apps.core.schedule import schedule
from apps.usage.models import UsageEvent


@job("usage.make_partitions")
def make_partitions(_context: JobContext) -> dict[str, int]:
    """Make the monthly partitions of calls ahead of time."""
    return {"made": ensure_monthly_partitions(UsageEvent._meta.db_table)}


schedule("usage.make_partitions", every=timedelta(days=1))

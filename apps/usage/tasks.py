"""Scheduled jobs of this app."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from apps.core.jobs import JobContext, job
from apps.core.partitions import ensure_monthly_partitions
from apps.core.schedule import schedule
from apps.usage.models import UsageEvent
from apps.usage.services import forget_rejections, roll_up


@job("usage.make_partitions")
def make_partitions(_context: JobContext) -> dict[str, int]:
    """Make the monthly partitions of calls ahead of time."""
    return {"made": ensure_monthly_partitions(UsageEvent._meta.db_table)}


@job("usage.roll_up")
def roll_up_calls(_context: JobContext) -> dict[str, int]:
    """Add up new calls by hour and day, for analytics."""
    return asdict(roll_up())


@job("usage.forget_rejections")
def forget_rejected_events(_context: JobContext) -> dict[str, int]:
    """Delete rejected events that could not be sent again anyway, because they are too old by now."""
    return {"deleted": forget_rejections()}


schedule("usage.forget_rejections", every=timedelta(days=1))
schedule("usage.make_partitions", every=timedelta(days=1))
schedule("usage.roll_up", every=timedelta(minutes=1))

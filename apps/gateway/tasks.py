"""Scheduled work of this app."""

from __future__ import annotations

from datetime import timedelta

from apps.core.actors import Actor
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule
from apps.gateway.reconciliation import reconcile
from apps.gateway.valkey import get_counters, get_writer


@job("gateway.reconcile")
def reconcile_registry(context: JobContext) -> dict[str, int]:
    """Compare the gateway's registry with what it should hold, and heal it."""
    actor = Actor.system(context.run.requested_by or "gateway.reconcile")
    report = reconcile(writer=get_writer(), counters=get_counters(), actor=actor)
    return {
        "checked": report.checked_count,
        "missing": report.missing_count,
        "orphaned": report.orphaned_count,
        "different": report.different_count,
        "healed": report.healed_count,
    }


schedule("gateway.reconcile", every=timedelta(hours=1))

"""Scheduled work of this app."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from apps.core.actors import Actor
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule
from apps.gateway.peppers import move_noted_keys
from apps.gateway.reconciliation import reconcile
from apps.gateway.registration import check_and_register, resume_lost_registrations
from apps.gateway.valkey import get_client, get_counters, get_writer


@job("gateway.reconcile")
def reconcile_registry(context: JobContext) -> dict[str, Any]:
    """Compare registry, authorizers and proxy with what they should hold, and heal them."""
    actor = Actor.system(context.run.requested_by or "gateway.reconcile")
    report = reconcile(writer=get_writer(), counters=get_counters(), actor=actor)
    return {
        "checked": report.checked_count,
        "missing": report.missing_count,
        "orphaned": report.orphaned_count,
        "different": report.different_count,
        "healed": report.healed_count,
        "different_nodes": report.different_nodes_count,
        "proxy_paths": report.proxy_paths_count,
        "status": report.status,
        "report": report.public_id,
    }


@job("gateway.register_api")
def register_api(_context: JobContext, api_id: str) -> dict[str, str]:
    """Ask an API's upstream whether it is there, then register the API at the gateway."""
    return {"outcome": check_and_register(UUID(api_id))}


@job("gateway.resume_registrations")
def resume_registrations(_context: JobContext) -> dict[str, int]:
    """Begin again with registrations whose check was lost."""
    return {"resumed": resume_lost_registrations()}


@job("gateway.move_peppers")
def move_peppers(_context: JobContext) -> dict[str, int]:
    """Move keys that were used to the newest pepper."""
    actor = Actor.system("gateway.move_peppers")
    return move_noted_keys(get_client(), get_writer().nodes(), actor=actor)


schedule("gateway.move_peppers", every=timedelta(minutes=1))
schedule("gateway.reconcile", every=timedelta(minutes=15))
schedule("gateway.resume_registrations", every=timedelta(seconds=30))

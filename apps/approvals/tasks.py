"""Scheduled work of this app."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from apps.approvals import services
from apps.core.actors import Actor
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule


@job("approvals.apply_sla")
def apply_sla(_context: JobContext) -> dict[str, int]:
    """Note missed deadlines of approval requests and escalate what is late."""
    return asdict(services.apply_sla(actor=Actor.system("approvals.apply_sla")))


@job("approvals.expire_requests")
def expire_requests(_context: JobContext) -> dict[str, int]:
    """Close approval requests that nobody decided in time."""
    return {"expired": services.expire_requests(actor=Actor.system("approvals.expire_requests"))}


schedule("approvals.apply_sla", every=timedelta(minutes=5))
schedule("approvals.expire_requests", every=timedelta(hours=1))

"""Scheduled work of this app."""

from __future__ import annotations

from datetime import timedelta

from apps.core.actors import Actor
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule
from apps.keys import services


@job("keys.expire_due_keys")
def expire_due_keys(_context: JobContext) -> dict[str, int]:
    """Write down the keys whose expiry has come."""
    return {"expired": services.expire_due_keys(actor=Actor.system("keys.expire_due_keys"))}


@job("keys.complete_due_rotations")
def complete_due_rotations(_context: JobContext) -> dict[str, int]:
    """Revoke replaced keys whose grace is over."""
    actor = Actor.system("keys.complete_due_rotations")
    return {"revoked": services.complete_due_rotations(actor=actor)}


schedule("keys.expire_due_keys", every=timedelta(minutes=5))
schedule("keys.complete_due_rotations", every=timedelta(minutes=5))

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


@job("keys.renew_due_keys")
def renew_due_keys(_context: JobContext) -> dict[str, int]:
    """Give keys that are renewed automatically their next term."""
    return {"renewed": services.renew_due_keys(actor=Actor.system("keys.renew_due_keys"))}


@job("keys.rotate_due_keys")
def rotate_due_keys(_context: JobContext) -> dict[str, int]:
    """Replace keys whose rotation is due."""
    return {"rotated": services.rotate_due_keys(actor=Actor.system("keys.rotate_due_keys"))}


@job("keys.wipe_unread_keys")
def wipe_unread_keys(_context: JobContext) -> dict[str, int]:
    """Forget new keys that nobody read in time."""
    return {"wiped": services.wipe_unread_keys(actor=Actor.system("keys.wipe_unread_keys"))}


@job("keys.send_due_notices")
def send_due_notices(_context: JobContext) -> dict[str, int]:
    """Tell owners of keys that end or are replaced within days."""
    return {"sent": services.send_due_notices(actor=Actor.system("keys.send_due_notices"))}


schedule("keys.renew_due_keys", every=timedelta(minutes=5))
schedule("keys.rotate_due_keys", every=timedelta(hours=1))
schedule("keys.wipe_unread_keys", every=timedelta(hours=1))
schedule("keys.send_due_notices", every=timedelta(hours=1))
schedule("keys.expire_due_keys", every=timedelta(minutes=5))
schedule("keys.complete_due_rotations", every=timedelta(minutes=5))

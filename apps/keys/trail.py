"""A key's audit trail in words, for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.models import AuditEvent

WORDS: Final = {
    "keys:key:created": _("Created"),
    "keys:key:activated": _("Known to every gateway"),
    "keys:key:sync_failed": _("The gateway did not answer in time"),
    "keys:key:sync_retried": _("Brought to the gateway again"),
    "keys:key:renamed": _("Renamed"),
    "keys:key:rehashed": _("Stored under a newer pepper"),
    "keys:key:terms_changed": _("Scopes, limits or expiry changed"),
    "keys:key:suspended": _("Suspended"),
    "keys:key:resumed": _("Resumed"),
    "keys:key:rotated": _("Rotated"),
    "keys:key:revoked": _("Revoked"),
    "keys:key:expired": _("Expired"),
    "keys:key:renewed": _("Renewed"),
    "keys:key:revealed": _("The new key was read"),
    "keys:key:wiped": _("The new key was not read in time"),
    "keys:key:life_changed": _("Rotation or renewal changed"),
    "keys:key:expiry_announced": _("Its end was announced"),
    "keys:key:rotation_announced": _("Its rotation was announced"),
    "keys:key:leaked": _("Found in public"),
}


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One thing that was done: what, when, by whom, from where, why."""

    title: str | Promise
    at: datetime
    by: str
    note: str


def entry_of(event: AuditEvent) -> TrailEntry:
    """Return one row of a key's trail in words."""
    by = f"{event.actor_label} ({event.ip})" if event.ip else event.actor_label
    title = WORDS.get(event.action, event.action)
    return TrailEntry(title=title, at=event.occurred_at, by=by, note=event.reason)

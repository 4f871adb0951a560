"""Wants again what is wrong; the relay writes and proves it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F

from apps.core import clock
from apps.core.ids import uuid7
from apps.gateway.entries import split_field
from apps.gateway.enums import SyncState
from apps.gateway.models import RegistryEntry
from apps.gateway.reconciliation.comparing import Drift
from apps.gateway.services.wanting import FIRST_PROOF_WITHIN, wake_relay

BATCH_SIZE: Final = 2_000


def heal_entries(drift: Drift) -> int:
    """Want missing and different entries again and orphaned ones gone; return how many. Call it in a transaction."""
    keys: dict[str, list[str]] = {}
    for name in drift.fields:
        kind, key = split_field(name)
        keys.setdefault(kind, []).append(key)
    for kind, wanted in keys.items():
        for start in range(0, len(wanted), BATCH_SIZE):
            _want_again(kind, wanted[start : start + BATCH_SIZE])
    if keys:
        wake_relay()
    return len(drift.fields)


def _want_again(kind: str, keys: list[str]) -> None:
    now = clock.now()
    news: dict[str, Any] = {
        "state": SyncState.WANTED,
        "wanted_revision": F("wanted_revision") + 1,
        "wanted_at": now,
        "retry_at": now + FIRST_PROOF_WITHIN,
        "attempts": 0,
    }
    rows = RegistryEntry.objects.filter(kind=kind, key__in=keys)
    rows.update(**news)
    known = set(rows.values_list("key", flat=True))
    # What nobody ever wanted gets a row that wants its absence, and keeps it.
    RegistryEntry.objects.bulk_create(
        [
            RegistryEntry(
                kind=kind,
                key=key,
                subject_id=uuid7(),
                payload=None,
                wanted_at=now,
                retry_at=now + FIRST_PROOF_WITHIN,
            )
            for key in keys
            if key not in known
        ],
        ignore_conflicts=True,
    )

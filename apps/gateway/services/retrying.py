"""Trying an entry again by hand."""

from __future__ import annotations

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.gateway.enums import SyncState
from apps.gateway.exceptions import EntryAlreadyProven
from apps.gateway.models import RegistryEntry
from apps.gateway.services.wanting import FIRST_PROOF_WITHIN, wake_relay


@transaction.atomic
def retry_entry(*, entry: RegistryEntry, actor: Actor) -> RegistryEntry:
    """Have an entry that waits or failed written again at once, with all its tries before it.

    Raises:
        EntryAlreadyProven: it has arrived.
    """
    row = RegistryEntry.objects.select_for_update().get(pk=entry.pk)
    if row.state == SyncState.PROVEN:
        raise EntryAlreadyProven
    before = {"state": row.state, "attempts": row.attempts}
    now = clock.now()
    row.state, row.attempts, row.last_error = SyncState.WANTED, 0, ""
    row.wanted_at, row.retry_at = now, now + FIRST_PROOF_WITHIN
    row.save(
        update_fields=["state", "attempts", "last_error", "wanted_at", "retry_at", "updated_at"]
    )
    record_audit(action="gateway:entry:retried", target=row, actor=actor, before=before, after={})
    wake_relay()
    return row

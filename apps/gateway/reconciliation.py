"""Compares what Postgres wants with what Valkey holds, reports the difference by kind, and heals it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.ids import uuid7
from apps.gateway import services
from apps.gateway.counters import ensure_counters
from apps.gateway.entries import Change, Entry, encode_entry, split_field
from apps.gateway.enums import SyncState
from apps.gateway.models import ReconciliationReport, RegistryEntry
from apps.gateway.services.wanting import FIRST_PROOF_WITHIN, wake_relay
from apps.gateway.store.counters import CounterStore
from apps.gateway.store.registry import RegistryWriter

EXAMPLES: Final = 20


@dataclass(slots=True)
class Drift:
    """Entries by what is wrong with them; fields are `<kind>:<id>`."""

    checked: int = 0
    missing: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many entries are wrong."""
        return len(self.missing) + len(self.orphaned) + len(self.different)


def reconcile(
    *, writer: RegistryWriter, counters: CounterStore, actor: Actor
) -> ReconciliationReport:
    """Compare and heal; return the report.

    First every entry is computed again from the domain's rows, then Valkey is compared with that. Entries on
    their way are not judged. Missing and different ones are wanted again, orphaned ones are wanted gone; the
    relay writes and proves them. Counters that are missing are created.

    Raises:
        redis.exceptions.RedisError: Valkey cannot answer; nothing was changed.
    """
    started_at = clock.now()
    wrong_in_postgres = services.want_every_entry()
    rows = {str(row): row for row in RegistryEntry.objects.all()}
    wanted = {name: services.entry_of(row) for name, row in rows.items()}
    held = dict(writer.entries())
    drift = compare(wanted, held, settled=_settled(rows))
    counters_asked = ensure_counters(
        (Change(row.kind, row.key, wanted[name]) for name, row in rows.items()), counters
    )
    details = {
        "computed_again": wrong_in_postgres,
        "counters": counters_asked,
        "missing": drift.missing[:EXAMPLES],
        "orphaned": drift.orphaned[:EXAMPLES],
        "different": drift.different[:EXAMPLES],
    }
    with transaction.atomic():
        healed = _heal(drift)
        report = ReconciliationReport.objects.create(
            started_at=started_at,
            finished_at=clock.now(),
            checked_count=drift.checked,
            missing_count=len(drift.missing),
            orphaned_count=len(drift.orphaned),
            different_count=len(drift.different) + wrong_in_postgres,
            healed_count=healed + wrong_in_postgres,
            details=details,
        )
        record_audit(
            action="gateway:registry:reconciled", target=report, actor=actor, after=details
        )
    return report


def compare(wanted: dict[str, Entry | None], held: dict[str, Entry], *, settled: set[str]) -> Drift:
    """Return what is wrong with the held entries, judging only settled ones and strangers."""
    drift = Drift(checked=len(wanted.keys() | held.keys()))
    for name in sorted(settled):
        entry = wanted[name]
        if entry is not None and name not in held:
            drift.missing.append(name)
        elif entry is not None and encode_entry(entry) != encode_entry(held[name]):
            drift.different.append(name)
        elif entry is None and name in held:
            drift.orphaned.append(name)
    drift.orphaned.extend(sorted(held.keys() - wanted.keys()))
    return drift


def _settled(rows: dict[str, RegistryEntry]) -> set[str]:
    return {name for name, row in rows.items() if row.state == SyncState.PROVEN}


def _heal(drift: Drift) -> int:
    now = clock.now()
    news: dict[str, Any] = {
        "state": SyncState.WANTED,
        "wanted_revision": F("wanted_revision") + 1,
        "wanted_at": now,
        "retry_at": now + FIRST_PROOF_WITHIN,
        "attempts": 0,
    }
    for name in (*drift.missing, *drift.different, *drift.orphaned):
        kind, key = split_field(name)
        if not RegistryEntry.objects.filter(kind=kind, key=key).update(**news):
            RegistryEntry.objects.create(
                kind=kind, key=key, subject_id=uuid7(), payload=None, wanted_at=now
            )
    if drift.count:
        wake_relay()
    return drift.count

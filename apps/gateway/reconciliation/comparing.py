"""Entries: wanted against held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.gateway import services
from apps.gateway.entries import Entry, InvalidEntryError, encode_entry, split_field
from apps.gateway.enums import EntryKind, SyncState
from apps.gateway.models import RegistryEntry
from apps.gateway.store.registry import Head, RegistryWriter

# The registry may change while it is read; then it is read again, at most so often.
READS: Final = 5
MAX_KEY_CHARS: Final = 80
COMPARED_FIELDS: Final = (
    "kind",
    "key",
    "payload",
    "sealed",
    "state",
    "wanted_revision",
    "proven_version",
)


@dataclass(slots=True)
class Drift:
    """Entries by what is wrong with them; fields are `<kind>:<id>`. Strangers are of no kind we know."""

    checked: int = 0
    missing: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every entry that is wrong and of a kind we know."""
        return (*self.missing, *self.different, *self.orphaned)

    @property
    def count(self) -> int:
        """How many entries are wrong."""
        return len(self.fields) + len(self.strangers)


@dataclass(frozen=True, slots=True)
class Picture:
    """Wanted and held entries at one moment; without a head they may be of different moments."""

    rows: dict[str, RegistryEntry]
    wanted: dict[str, Entry | None]
    held: dict[str, Entry | None]
    head: Head | None

    @property
    def settled(self) -> set[str]:
        """Fields that are on no way: what is wanted must be held."""
        return {name for name, row in self.rows.items() if row.state == SyncState.PROVEN}

    def expected(self) -> dict[str, Entry]:
        """Return what an authorizer at our head must hold: settled entries as wanted, others as they were written."""
        settled = self.settled
        found = {
            name: self.wanted[name] if name in settled else self.held.get(name)
            for name in self.rows
        }
        return {name: entry for name, entry in found.items() if entry is not None}


def take_picture(writer: RegistryWriter) -> Picture:
    """Read both sides; if the registry changed meanwhile, again.

    Raises:
        redis.exceptions.RedisError: Valkey cannot answer.
    """
    for _ in range(READS):
        before = writer.head()
        stored = RegistryEntry.objects.only(*COMPARED_FIELDS).iterator(chunk_size=2_000)
        rows = {str(row): row for row in stored}
        held = writer.read_entries()
        if before is not None and writer.head() == before:
            return Picture(rows, _wanted_by(rows), held, before)
    return Picture(rows, _wanted_by(rows), held, None)


def compare(
    wanted: Mapping[str, Entry | None], held: Mapping[str, Entry | None], *, settled: set[str]
) -> Drift:
    """Return what is wrong with the held entries, judging only settled ones and strangers."""
    drift = Drift(checked=len(wanted.keys() | held.keys()))
    for name in sorted(settled):
        entry = wanted[name]
        if entry is None:
            if name in held:
                drift.orphaned.append(name)
        elif name not in held:
            drift.missing.append(name)
        elif not _is_equal(entry, held[name]):
            drift.different.append(name)
    for name in sorted(held.keys() - wanted.keys()):
        kind, key = split_field(name)
        is_known = kind in EntryKind.values and 0 < len(key) <= MAX_KEY_CHARS
        (drift.orphaned if is_known else drift.strangers).append(name)
    return drift


def find_drift(picture: Picture) -> Drift:
    """Compare, then leave out what has been changed rightly since the picture was taken."""
    drift = compare(picture.wanted, picture.held, settled=picture.settled)
    names = drift.fields
    now = {str(row): row for row in _rows_of(names)} if names else {}
    for group in (drift.missing, drift.different, drift.orphaned):
        group[:] = [name for name in group if _is_still(picture.rows.get(name), now.get(name))]
    return drift


def _is_still(before: RegistryEntry | None, now: RegistryEntry | None) -> bool:
    if before is None or now is None:
        return before is now
    return (
        now.state == SyncState.PROVEN
        and now.wanted_revision == before.wanted_revision
        and now.proven_version == before.proven_version
    )


def _rows_of(names: tuple[str, ...]) -> list[RegistryEntry]:
    keys: dict[str, list[str]] = {}
    for name in names:
        kind, key = split_field(name)
        keys.setdefault(kind, []).append(key)
    return [
        row
        for kind, wanted in keys.items()
        for row in RegistryEntry.objects.filter(kind=kind, key__in=wanted).defer("payload")
    ]


def _wanted_by(rows: Mapping[str, RegistryEntry]) -> dict[str, Entry | None]:
    found: dict[str, Entry | None] = {}
    for name, row in rows.items():
        try:
            found[name] = services.entry_of(row)
        except InvalidEntryError:
            # Written by another release; recomputing wants it anew, and until then it is nobody's.
            found[name] = None
    return found


def _is_equal(entry: Entry, held: Entry | None) -> bool:
    return held is not None and encode_entry(entry) == encode_entry(held)

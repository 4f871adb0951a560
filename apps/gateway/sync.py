"""Carries wanted entries to the authorizers, and waits for the proof that they arrived.

Runs in the relay that leads (`apps.core.relay`). One step is: see that Valkey holds our registry, write what
is wanted (prepare), ask the authorizers what they have applied, and note what all of them proved (commit). Every
part can be repeated: a step that dies half-way is done again.

Source: docs/architecture/gateway.md §3; docs/architecture/gateway-sync.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.core import clock
from apps.core.ids import uuid7
from apps.core.relay import leader_loop
from apps.gateway import services
from apps.gateway.counters import ensure_counters
from apps.gateway.entries import Change, InvalidEntryError
from apps.gateway.enums import EntryKind, SyncState
from apps.gateway.models import RegistryEntry, RegistryHead
from apps.gateway.nodes import note_nodes
from apps.gateway.outcomes import announce_failure, announce_proof, awaited_subjects
from apps.gateway.services.wanting import FIRST_PROOF_WITHIN
from apps.gateway.store.registry import (
    Head,
    Node,
    RegistryBackwardsError,
    RegistryEpochError,
    RegistryError,
    RegistryMissingError,
    RegistryWriter,
)
from apps.gateway.valkey import get_counters, get_writer

logger = structlog.get_logger(__name__)

BATCH_SIZE: Final = 500
MAX_ATTEMPTS: Final = 5
MAX_WAIT: Final = timedelta(seconds=30)
# A proof that is on its way is looked for at once, for this long; later once a second.
EAGER_FOR: Final = timedelta(seconds=2)
EAGER_PAUSE_S: Final = 0.01
UNPROVEN: Final = (SyncState.WANTED, SyncState.WRITTEN)


@leader_loop(name="gateway.sync", interval_s=1.0)
def sync_registry() -> bool:
    """Do one step of the sync; return whether the next one should follow at once."""
    _want_settings()
    return RegistrySync(get_writer()).step()


@cache
def _want_settings() -> None:
    """Want what the settings say, once: they change with a restart of the relay."""
    services.want_default_tenant()


class RegistrySync:
    """One step of bringing Valkey to what Postgres wants."""

    def __init__(self, writer: RegistryWriter) -> None:
        """Use the one writer of the registry; the caller leads."""
        self._writer = writer
        self._has_written = False

    def step(self) -> bool:
        """Write, ask, prove; return whether something is on its way.

        Without Valkey nothing can be written, but what waits too long is still called failed.
        """
        try:
            is_busy = self._write_and_prove()
        except (RedisError, RegistryError) as error:
            logger.warning("gateway.store_unavailable", error=str(error))
            is_busy = False
        give_up_overdue(is_writing=self._has_written)
        return is_busy

    def _write_and_prove(self) -> bool:
        head = self._ensure_registry()
        refresh_due_entries()
        wrote = self._write_wanted()
        self._has_written = bool(wrote)
        nodes = self._writer.nodes()
        note_nodes(nodes)
        proven = prove_written(nodes, epoch=head.epoch)
        return bool(wrote or proven) or self._wait_for_eager_proof(nodes)

    def _ensure_registry(self) -> Head:
        """See that Valkey holds the registry that we wrote; else write all of it anew."""
        ours, theirs = known_head(), self._writer.head()
        if theirs is not None and theirs.epoch == ours.epoch and theirs.version <= ours.version:
            return ours
        logger.warning("gateway.registry_lost", ours=str(ours), theirs=str(theirs))
        return self.rebuild(at_least=theirs.version if theirs else 0)

    def _write_wanted(self) -> int:
        batch = _take_batch()
        if batch is None:
            return 0
        head, rows = batch
        changes = [change for row in rows if (change := _change_of(row)) is not None]
        ensure_counters(changes, get_counters())
        try:
            self._writer.apply(changes, epoch=head.epoch, version=head.version)
        except (RegistryMissingError, RegistryEpochError, RegistryBackwardsError) as error:
            logger.warning("gateway.registry_lost", error=str(error))
            self.rebuild(at_least=error.head.version if error.head else 0)
        else:
            _mark_written(head.version)
        return len(rows)

    def rebuild(self, *, at_least: int = 0) -> Head:
        """Write the whole registry under a new epoch, with counters for every quota first.

        Authorizers answer 503 from the swap until they have loaded it.
        """
        with transaction.atomic():
            row = RegistryHead.objects.select_for_update().get(pk=1)
            row.epoch, row.version = uuid7().hex, max(row.version, at_least) + 1
            row.save()
            unproven = RegistryEntry.objects.exclude(state=SyncState.PROVEN)
            unproven.update(written_version=row.version, written_revision=F("wanted_revision"))
            rows = RegistryEntry.objects.exclude(payload=None).order_by("pk")
            changes = [change for entry in rows if (change := _change_of(entry)) is not None]
        ensure_counters(changes, get_counters())
        head = self._writer.rebuild(changes, epoch=row.epoch, version=row.version)
        _mark_written(row.version)
        logger.info("gateway.registry_rebuilt", entries=len(changes), epoch=row.epoch)
        return head

    @staticmethod
    def _wait_for_eager_proof(nodes: Sequence[Node]) -> bool:
        """Pause a moment if a proof may arrive in the next milliseconds."""
        if not any(node.is_leased for node in nodes):
            return False
        since = clock.now() - EAGER_FOR
        if not RegistryEntry.objects.filter(state=SyncState.WRITTEN, wanted_at__gt=since).exists():
            return False
        time.sleep(EAGER_PAUSE_S)
        return True


def known_head() -> Head:
    """Return the epoch and version that Postgres gave last; the first call makes the row."""
    row, _is_new = RegistryHead.objects.get_or_create(pk=1, defaults={"epoch": uuid7().hex})
    return Head(row.epoch, row.version)


def prove_written(nodes: Sequence[Node], *, epoch: str) -> int:
    """Note the entries that every leased authorizer has applied; return how many.

    Without a leased authorizer nothing is proven: an answer that nobody gave is no proof.
    """
    leased = [node for node in nodes if node.is_leased]
    if not leased or any(node.epoch != epoch for node in leased):
        return 0
    version = min(node.version for node in leased)
    rows = list(_written_up_to(version).order_by("written_version")[:BATCH_SIZE])
    awaited = awaited_subjects(rows)
    count = sum(_prove(row, version) for row in rows if row.subject_id in awaited)
    return count + _prove_silently([row for row in rows if row.subject_id not in awaited], version)


def give_up_overdue(*, is_writing: bool = False) -> int:
    """Try entries again whose proof is overdue, and call them failed after five tries; return how many.

    The waits double from one second to thirty. A failed entry is tried on every thirty seconds. While the relay is
    writing (`is_writing`), entries that wait for their turn are not overdue, however long the line.
    """
    now = clock.now()
    overdue = RegistryEntry.objects.filter(retry_at__lte=now).exclude(state=SyncState.PROVEN)
    if is_writing:
        overdue = overdue.exclude(state=SyncState.WANTED)
    count = 0
    for row_id in list(overdue.order_by("retry_at").values_list("pk", flat=True)[:BATCH_SIZE]):
        with transaction.atomic():
            row = overdue.select_for_update(skip_locked=True).filter(pk=row_id).first()
            if row is None:
                continue
            _try_again(row)
            count += 1
    return count


def refresh_due_entries() -> int:
    """Compute the entries again whose quota period or throttle is over; return how many."""
    due = RegistryEntry.objects.filter(refresh_at__lte=clock.now())
    wants = {
        EntryKind.SUBSCRIPTION: services.want_subscription,
        EntryKind.TENANT: services.want_tenant,
    }
    rows = list(due.filter(kind__in=wants).values_list("kind", "subject_id")[:BATCH_SIZE])
    return sum(wants[EntryKind(kind)](subject_id) for kind, subject_id in rows)


def _take_batch() -> tuple[Head, list[RegistryEntry]] | None:
    """Give the oldest wanted entries the next version; committed before anything is written."""
    wanted = RegistryEntry.objects.filter(state=SyncState.WANTED)
    if not wanted.exists():
        return None
    with transaction.atomic():
        head = RegistryHead.objects.select_for_update().get(pk=1)
        rows = list(wanted.select_for_update(skip_locked=True).order_by("wanted_at")[:BATCH_SIZE])
        if not rows:
            return None
        head.version += 1
        head.save(update_fields=["version", "updated_at"])
        RegistryEntry.objects.filter(pk__in=[row.pk for row in rows]).update(
            written_version=head.version, written_revision=F("wanted_revision")
        )
    return Head(head.epoch, head.version), rows


def _change_of(row: RegistryEntry) -> Change | None:
    """Return a row as a change of the registry; a row that cannot be read is noted and left out."""
    try:
        return Change(row.kind, row.key, services.entry_of(row))
    except InvalidEntryError as error:
        logger.exception("gateway.entry_invalid", entry=str(row))
        RegistryEntry.objects.filter(pk=row.pk).update(
            state=SyncState.FAILED, last_error=str(error), written_revision=None
        )
        return None


def _mark_written(version: int) -> None:
    """Note what a version carried, except entries that have changed since; their proof is due from now on."""
    now = clock.now()
    RegistryEntry.objects.filter(
        state__in=(SyncState.WANTED, SyncState.FAILED),
        written_version=version,
        written_revision=F("wanted_revision"),
    ).update(
        state=SyncState.WRITTEN,
        retry_at=Greatest(F("retry_at"), now + FIRST_PROOF_WITHIN),
        updated_at=now,
    )


def _written_up_to(version: int) -> QuerySet[RegistryEntry]:
    return RegistryEntry.objects.filter(
        Q(written_revision=F("wanted_revision")),
        state=SyncState.WRITTEN,
        written_version__lte=version,
    )


def _prove_silently(rows: Sequence[RegistryEntry], version: int) -> int:
    """Note the proof of entries for which nobody waits, in one statement.

    Whoever begins to wait meanwhile has changed the entry's revision, which leaves it out.
    """
    if not rows:
        return 0
    revisions = Q()
    for revision in {row.wanted_revision for row in rows}:
        ids = [row.pk for row in rows if row.wanted_revision == revision]
        revisions |= Q(pk__in=ids, wanted_revision=revision)
    return (
        _written_up_to(version)
        .filter(revisions)
        .update(
            state=SyncState.PROVEN,
            proven_version=F("written_version"),
            proven_at=clock.now(),
            attempts=0,
            last_error="",
        )
    )


def _prove(row: RegistryEntry, version: int) -> bool:
    with transaction.atomic():
        found = _written_up_to(version).filter(pk=row.pk, wanted_revision=row.wanted_revision)
        is_new = found.update(
            state=SyncState.PROVEN,
            proven_version=row.written_version,
            proven_at=clock.now(),
            attempts=0,
            last_error="",
        )
        if is_new:
            announce_proof(row)
    return bool(is_new)


def _try_again(row: RegistryEntry) -> None:
    row.attempts += 1
    wait = min(timedelta(seconds=2 ** min(row.attempts, 10)), MAX_WAIT)
    row.retry_at = clock.now() + wait
    has_failed = row.state != SyncState.FAILED and row.attempts >= MAX_ATTEMPTS
    row.state = SyncState.FAILED if has_failed else SyncState.WANTED
    if has_failed:
        row.last_error = row.last_error or _("No proof from every authorizer in time.")
    logger.warning(
        "gateway.proof_overdue",
        entry=f"{row.kind}:{row.subject_id}",
        attempt=row.attempts,
        next_wait_s=wait.total_seconds(),
        gives_up=has_failed,
    )
    row.save(update_fields=["attempts", "retry_at", "state", "last_error", "updated_at"])
    if has_failed:
        announce_failure(row)

"""Computes every entry again from the domain's rows, in batches, and wants what turns out to be wrong.

Rows are read and compared without locks, a batch at a time; only those that look wrong are computed again under
their lock, so that a change that is just being made is not taken for a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Model, Q, QuerySet

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core import clock
from apps.gateway.endpoints import (
    Pairs,
    apis_with_kept_endpoints,
    described_for,
    open_endpoints_of,
)
from apps.gateway.entries import InvalidEntryError
from apps.gateway.entry_payloads import (
    ROUTED_STATUSES,
    WantedEntry,
    wanted_key,
    wanted_route,
    wanted_subscription,
)
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry, TenantThrottle
from apps.gateway.services.wanting import (
    FIRST_PROOF_WITHIN,
    SUBSCRIPTION_RELATIONS,
    split_entry,
    wake_relay,
    want_default_tenant,
    want_entry,
    want_key,
    want_route,
    want_subscription,
    want_tenant,
)
from apps.gateway.tenants import EVERYBODY, wanted_tenant
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription

logger = structlog.get_logger(__name__)

BATCH_SIZE: Final = 1_000
COMPARED_FIELDS: Final = ("key", "subject_id", "payload", "sealed", "refresh_at")
# So many entries are wanted one by one; for more it pays to lock and insert them together.
FEW: Final = 10


def want_every_entry() -> int:
    """Compute every entry again from the domain's rows; return how many were wrong.

    Reconciliation calls it: it heals what a lost event would have left behind. An entry that no authorizer could
    serve is noted in the log and left as it is.
    """
    return want_default_tenant() + sum(_recompute(source) for source in _sources())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Rows of the domain: those that should have an entry of a kind are among all of them `live`."""

    kind: EntryKind
    live: QuerySet[Any]
    everything: QuerySet[Any]
    build: Callable[[Any], WantedEntry]
    want: Callable[[UUID], bool]


def _sources() -> Iterator[_Source]:
    apis = (
        Api.objects.defer("search", "description")
        .select_related("upstream_health")
        .prefetch_related("upstream_secrets", "required_headers", "domains")
    )
    yield _Source(
        kind=EntryKind.ROUTE,
        live=apis.filter(status__in=ROUTED_STATUSES),
        everything=apis,
        build=partial(wanted_route, open_endpoints=_open_endpoints()),
        want=want_route,
    )
    subscriptions = Subscription.objects.select_related(*SUBSCRIPTION_RELATIONS).prefetch_related(
        "quota_top_ups", "spend_caps", "price_version__components__tiers"
    )
    yield _Source(
        kind=EntryKind.SUBSCRIPTION,
        live=subscriptions.live(),
        everything=subscriptions,
        build=wanted_subscription,
        want=want_subscription,
    )
    keys = ApiKey.objects.select_related("rotation_out")
    yield _Source(
        kind=EntryKind.KEY,
        live=keys.exclude(status=KeyStatus.REVOKED),
        everything=keys,
        build=partial(wanted_key, describe=cache(described_for)),
        want=want_key,
    )
    organizations = Organization.objects.all()
    throttled = TenantThrottle.objects.holding().values("organization_id")
    yield _Source(
        kind=EntryKind.TENANT,
        live=organizations.filter(Q(is_active=False) | Q(pk__in=throttled)),
        everything=organizations,
        build=wanted_tenant,
        want=want_tenant,
    )


def _open_endpoints() -> Callable[[Api], Pairs | None]:
    """Ask only the APIs whose documents keep something: few do."""
    keeping = apis_with_kept_endpoints()
    return lambda api: open_endpoints_of(api) if api.pk in keeping else None


def _recompute(source: _Source) -> int:
    """Compare the rows that should have an entry, then those that have one although they should not."""
    known = RegistryEntry.objects.filter(kind=source.kind).exclude(payload=None)
    known_ids = known.values("subject_id")
    live_ids = source.live.order_by().values("pk")
    strays = source.everything.filter(pk__in=known_ids).exclude(pk__in=live_ids)
    count = 0
    for rows in _batches([source.live, strays]):
        entries = _entries_by_subject(source.kind, rows)
        wrong = [row.pk for row in rows if _is_wrong(source.build, row, entries.get(row.pk, []))]
        unknown = [row_id for row_id in wrong if row_id not in entries]
        created = _want_unknown(source, unknown) if len(unknown) > FEW else set()
        count += len(created)
        count += sum(_want_again(source.want, row_id) for row_id in wrong if row_id not in created)
    gone = known.exclude(subject_id__in=source.everything.order_by().values("pk"))
    gone = gone.exclude(subject_id=EVERYBODY)
    for entry in gone.iterator():
        count += want_entry(
            WantedEntry(kind=source.kind, key=entry.key, subject_id=entry.subject_id, entry=None)
        )
    return count


def _is_wrong(
    build: Callable[[Any], WantedEntry], row: Model, entries: list[RegistryEntry]
) -> bool:
    try:
        wanted = build(row)
        payload, sealed = split_entry(wanted)
    except InvalidEntryError:
        logger.exception("gateway.entry_invalid", subject=str(row.pk))
        return False
    found = next((entry for entry in entries if entry.key == wanted.key), None)
    if any(entry.payload is not None for entry in entries if entry.key != wanted.key):
        return True
    if found is None:
        return payload is not None
    held = (found.payload, found.sealed, found.refresh_at)
    return held != (payload, sealed, wanted.refresh_at)


@transaction.atomic
def _want_unknown(source: _Source, ids: list[UUID]) -> set[UUID]:
    """Want entries that have no row at all, in one statement; return the rows of the domain that they stand for.

    The domain's rows stay locked meanwhile: who revokes a key must find its entry, or we its revocation.
    """
    rows = source.everything.filter(pk__in=ids).select_for_update(of=("self",), no_key=True)
    now = clock.now()
    entries = []
    for row in rows:
        wanted = source.build(row)
        payload, sealed = split_entry(wanted)
        if payload is not None:
            entries.append(
                RegistryEntry(
                    kind=source.kind,
                    key=wanted.key,
                    subject_id=wanted.subject_id,
                    payload=payload,
                    sealed=sealed,
                    refresh_at=wanted.refresh_at,
                    wanted_at=now,
                    retry_at=now + FIRST_PROOF_WITHIN,
                )
            )
    RegistryEntry.objects.bulk_create(entries, batch_size=BATCH_SIZE, ignore_conflicts=True)
    wake_relay()
    return {entry.subject_id for entry in entries}


def _want_again(want: Callable[[UUID], bool], row_id: UUID) -> bool:
    try:
        return want(row_id)
    except InvalidEntryError:
        logger.exception("gateway.entry_invalid", subject=str(row_id))
        return False


def _batches(sources: Iterable[QuerySet[Any]]) -> Iterator[list[Any]]:
    for source in sources:
        last: UUID | None = None
        while True:
            rest = source if last is None else source.filter(pk__gt=last)
            rows = list(rest.order_by("pk")[:BATCH_SIZE])
            if rows:
                yield rows
            if len(rows) < BATCH_SIZE:
                break
            last = rows[-1].pk


def _entries_by_subject(kind: EntryKind, rows: list[Any]) -> dict[UUID, list[RegistryEntry]]:
    ids = [row.pk for row in rows]
    found: dict[UUID, list[RegistryEntry]] = {}
    rows_of_kind = RegistryEntry.objects.filter(kind=kind, subject_id__in=ids)
    for entry in rows_of_kind.only(*COMPARED_FIELDS):
        found.setdefault(entry.subject_id, []).append(entry)
    return found

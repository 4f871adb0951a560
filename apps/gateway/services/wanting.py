"""Notes what the registry should hold, in the transaction of the change that makes it so.

The leading relay (`apps.gateway.sync`) carries it to Valkey and waits for the proof.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connection, transaction

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core import clock
from apps.core.outbox import CHANNEL
from apps.gateway.endpoints import Describe, described_for
from apps.gateway.entries import Entry, decode_entry, encode_entry, set_entry
from apps.gateway.entry_payloads import (
    WantedEntry,
    wanted_key,
    wanted_route,
    wanted_subscription,
)
from apps.gateway.enums import EntryKind, SyncState
from apps.gateway.models import RegistryEntry
from apps.gateway.tenants import wanted_default_tenant, wanted_tenant
from apps.keys.enums import ENDED_STATUSES
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription

FIRST_PROOF_WITHIN: Final = timedelta(seconds=1)
SECRET_FIELDS: Final = ("upstream_headers",)
SUBSCRIPTION_RELATIONS: Final = ("consumer_organization", "price_version")


@transaction.atomic
def want_entry(wanted: WantedEntry, *, is_forced: bool = False) -> bool:
    """Note what an entry should be; return whether that is news.

    News wakes the relay on commit. `is_forced` asks for a new proof although nothing changed.

    Raises:
        InvalidEntryError: no authorizer could serve the entry.
    """
    payload, sealed = split_entry(wanted)
    row = RegistryEntry.objects.select_for_update().filter(kind=wanted.kind, key=wanted.key).first()
    if row is None:
        if payload is None:
            return False
        row = RegistryEntry(kind=wanted.kind, key=wanted.key, wanted_revision=0)
    elif row.payload == payload and row.sealed == sealed and not is_forced:
        if row.refresh_at != wanted.refresh_at:
            row.refresh_at = wanted.refresh_at
            row.save(update_fields=["refresh_at", "updated_at"])
        return False
    row.subject_id, row.payload, row.sealed = wanted.subject_id, payload, sealed
    row.refresh_at = wanted.refresh_at
    if payload is not None:
        row.given_up_at = None
    row.state, row.attempts, row.last_error = SyncState.WANTED, 0, ""
    row.wanted_revision += 1
    row.wanted_at = clock.now()
    row.retry_at = row.wanted_at + FIRST_PROOF_WITHIN
    row.save()
    wake_relay()
    return True


def want_route(api_id: UUID, *, is_forced: bool = False) -> bool:
    """Note how calls of an API are routed now; an address that it left is given up.

    Raises:
        InvalidEntryError: the API needs something that the proxy cannot do.
    """
    api = Api.objects.get(pk=api_id)
    left = RegistryEntry.objects.filter(kind=EntryKind.ROUTE, subject_id=api_id)
    for row in left.exclude(key=api.slug).exclude(payload=None):
        want_entry(WantedEntry(kind=EntryKind.ROUTE, key=row.key, subject_id=api_id, entry=None))
    return want_entry(wanted_route(api), is_forced=is_forced)


def want_key(key_id: UUID, *, describe: Describe = described_for, is_forced: bool = False) -> bool:
    """Note what a key may do now."""
    key = ApiKey.objects.select_related("rotation_out").get(pk=key_id)
    wanted = wanted_key(key, describe=describe)
    is_news = want_entry(wanted, is_forced=is_forced)
    return _want_older_digests(wanted) or is_news


def _want_older_digests(wanted: WantedEntry) -> bool:
    """Keep a key under its digests of older peppers, with the same terms, until the newest one is proven."""
    rows = RegistryEntry.objects.filter(kind=EntryKind.KEY, subject_id=wanted.subject_id)
    older = list(rows.exclude(key=wanted.key).exclude(payload=None))
    if not older:
        return False
    is_proven = rows.filter(key=wanted.key, state=SyncState.PROVEN).exists()
    entry = None if is_proven else wanted.entry
    news = [want_entry(replace(wanted, key=row.key, entry=entry)) for row in older]
    return any(news)


def want_limited_keys_of(api_id: UUID) -> int:
    """Note anew what those keys of an API may do that are held to endpoints or groups; return how many are news."""
    keys = ApiKey.objects.filter(subscription__api_id=api_id).exclude(status__in=ENDED_STATUSES)
    limited = keys.exclude(endpoints=[], tags=[]).order_by("pk")
    describe = cache(described_for)
    return sum(
        want_key(key_id, describe=describe) for key_id in limited.values_list("pk", flat=True)
    )


def want_subscription(subscription_id: UUID) -> bool:
    """Note the terms of a subscription now."""
    rows = Subscription.objects.select_related(*SUBSCRIPTION_RELATIONS)
    return want_entry(wanted_subscription(rows.get(pk=subscription_id)))


def want_subscriptions_of(organization_id: UUID) -> int:
    """Note the terms of every live subscription of an organization; return how many are news."""
    rows = Subscription.objects.live().filter(consumer_organization_id=organization_id)
    return sum(
        want_entry(wanted_subscription(row))
        for row in rows.select_related(*SUBSCRIPTION_RELATIONS).order_by("pk")
    )


def want_tenant(organization_id: UUID) -> bool:
    """Note whether an organization may call at all, and what it may call as a whole."""
    return want_entry(wanted_tenant(Organization.objects.get(pk=organization_id)))


def want_default_tenant() -> bool:
    """Note what every organization may call as a whole: the settings say it."""
    return want_entry(wanted_default_tenant())


def entry_of(row: RegistryEntry) -> Entry | None:
    """Return the entry that a row wants, secrets included; None when it must be absent.

    Raises:
        InvalidEntryError: the row was written by something that knew another shape.
    """
    if row.payload is None:
        return None
    payload = dict(row.payload)
    if row.sealed:
        payload.update(msgspec.json.decode(row.sealed))
    return decode_entry(row.kind, msgspec.json.encode(payload))


def wake_relay() -> None:
    """Wake the relay when this transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def split_entry(wanted: WantedEntry) -> tuple[dict[str, Any] | None, str]:
    """Check an entry, and separate what may be read in the back office from what is secret.

    Raises:
        InvalidEntryError: no authorizer could serve the entry.
    """
    if wanted.entry is None:
        return None, ""
    set_entry(wanted.key, wanted.entry)
    payload: dict[str, Any] = msgspec.json.decode(encode_entry(wanted.entry))
    secrets = {name: payload.pop(name) for name in SECRET_FIELDS if payload.get(name)}
    return payload, msgspec.json.encode(secrets).decode() if secrets else ""

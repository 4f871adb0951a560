"""What changed in the registry, as Postgres knows it: for authorizers that were cut off from Valkey.

The answer holds every entry that was given a version after the asked one, and those that wait for theirs, also
when Valkey could not take them yet: an authorizer that is cut off must learn of a revoked key.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from django.db.models import Q

from apps.gateway import services
from apps.gateway.entries import Change, encode_changes
from apps.gateway.enums import SyncState
from apps.gateway.models import RegistryEntry, RegistryHead
from apps.gateway.store.registry import Head


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The head, and the changes that lead to it; none for an asker of another epoch, who must load anew."""

    head: Head
    changes: tuple[Change, ...]


def feed_after(*, epoch: str, version: int) -> FeedPage:
    """Return what changed after a version of an epoch.

    The head is read first: an entry that changes meanwhile is sent twice, never missed.
    """
    row = RegistryHead.objects.filter(pk=1).first()
    head = Head(row.epoch, row.version) if row else Head("", 0)
    if head.epoch != epoch:
        return FeedPage(head, ())
    news = Q(written_version__gt=version) | Q(state=SyncState.WANTED)
    rows = RegistryEntry.objects.filter(news).order_by("written_version")
    return FeedPage(
        head, tuple(Change(row.kind, row.key, services.entry_of(row)) for row in rows.iterator())
    )


def encode_feed(page: FeedPage) -> bytes:
    """Write a page as the authorizer reads it."""
    return msgspec.json.encode(
        {
            "epoch": page.head.epoch,
            "version": page.head.version,
            "changes": msgspec.Raw(encode_changes(list(page.changes))),
        }
    )

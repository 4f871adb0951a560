"""The authorizers as they report themselves, kept for people to see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from apps.core import clock
from apps.gateway.enums import SyncState
from apps.gateway.models import AuthorizerNode, RegistryEntry
from apps.gateway.registration import retry_given_up
from apps.gateway.store.registry import Node

NOTE_EVERY_S: Final = 2.0


class _Watch:
    """What this process noted last."""

    noted_at: float = float("-inf")
    leased: frozenset[str] = frozenset()


_watch: Final = _Watch()


def note_nodes(nodes: Sequence[Node]) -> None:
    """Keep what the authorizers reported, every two seconds or when one comes or goes.

    When one comes, entries and registrations that failed for want of a proof are tried again at once.
    """
    leased = frozenset(node.name for node in nodes if node.is_leased)
    now, has_come = time.monotonic(), bool(leased - _watch.leased)
    if leased == _watch.leased and now - _watch.noted_at < NOTE_EVERY_S:
        return
    _watch.noted_at, _watch.leased = now, leased
    with transaction.atomic():
        for node in nodes:
            AuthorizerNode.objects.update_or_create(name=node.name, defaults=_facts_of(node))
        if has_come:
            failed = RegistryEntry.objects.filter(state=SyncState.FAILED)
            failed.update(retry_at=clock.now())
            retry_given_up(reason="an authorizer appeared")


def _facts_of(node: Node) -> dict[str, object]:
    return {
        "epoch": node.epoch,
        "version": max(node.version, 0),
        "lease_expires_at": _instant(node.lease_expires_at),
        "seen_at": clock.now(),
        "details": {
            "state": node.state,
            "decisions": node.decisions,
            "started_at": _instant(node.started_at).isoformat(),
            "digest": node.digest,
            "entries": node.entries,
            "resolver_up": node.resolver_up,
        },
    }


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)

"""Moves keys in use to the newest pepper, without a moment in which one does not work.

An authorizer that finds a key by an older pepper notes its digest under the newest one in Valkey. Here the key takes that
digest; its registry entry stands under both until every authorizer has proven the new one, then under the new one alone.

Source: docs/domain/keys.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Count
from redis import Redis

from apps.core.actors import Actor
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.gateway import services
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from apps.gateway.pepper_notes import read_note
from apps.gateway.store import names
from apps.gateway.store.registry import Node
from apps.keys.models import ApiKey
from apps.keys.services import rehash_key

logger = structlog.get_logger(__name__)

BATCH_SIZE: Final = 1_000


def move_noted_keys(client: Redis, nodes: Sequence[Node], *, actor: Actor) -> dict[str, int]:
    """Move the keys that authorizers told of; finish those whose new digest is proven. Returns how many of each.

    Nothing moves while an authorizer whose lease runs does not know the newest pepper: it could not find the key.
    """
    leased = [node for node in nodes if node.is_leased]
    is_ready = bool(leased) and all(max(settings.KEY_PEPPERS) in node.peppers for node in leased)
    moved = 0
    if is_ready:
        notes: Any = client.hscan_iter(names.OUTDATED_KEYS, count=BATCH_SIZE)
        for raw_id, raw_note in islice(notes, BATCH_SIZE):
            key_id = _text(raw_id)
            moved += _move(key_id, _text(raw_note), actor=actor)
            client.hdel(names.OUTDATED_KEYS, key_id)
    return {"moved": moved, "finished": finish_moved_keys()}


def finish_moved_keys() -> int:
    """Give up the old digests of keys whose new one is proven; return how many."""
    entries = RegistryEntry.objects.filter(kind=EntryKind.KEY, payload__isnull=False)
    twice = entries.order_by().values("subject_id").annotate(count=Count("pk")).filter(count__gt=1)
    ids = list(twice.values_list("subject_id", flat=True)[:BATCH_SIZE])
    return sum(services.want_key(key_id) for key_id in ids)


def _move(public_id: str, text: str, *, actor: Actor) -> bool:
    note = read_note(public_id, text, secret=settings.AUTHORIZER_SECRET.encode())
    try:
        key_id: UUID = parse_public_id(ApiKey.id_prefix, public_id)
    except InvalidPublicIdError:
        note = None
    if note is None:
        logger.warning("gateway.pepper_note_refused", key=public_id[:80])
        return False
    return rehash_key(
        key_id=key_id, digest=note.digest, pepper_number=note.pepper_number, actor=actor
    )


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

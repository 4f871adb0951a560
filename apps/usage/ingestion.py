"""Intake: a batch of events becomes one durable row, and the answer is 202.

Nothing is resolved, counted or joined here, so slow processing never delays a shipper. The same batch key twice is the
same row.

Source: docs/domain/metering.md §2.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec
import structlog
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg import Cursor
from psycopg.types.json import Jsonb

from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput, Unavailable
from apps.core.ids import uuid7
from apps.core.models import DeadLetter
from apps.usage.constants import (
    BACK_PRESSURE_RETRY_S,
    INBOX_CHANNEL,
    MAX_EVENTS_PER_BATCH,
    MAX_PENDING_BATCHES,
)
from apps.usage.enums import BatchStatus
from apps.usage.event_schema import (
    Envelope,
    Rejection,
    ShipperReport,
    Sorted,
    decode_envelope,
    find_all_good,
    sort_events,
)
from apps.usage.models import UsageBatch
from apps.usage.packing import pack, pack_events
from apps.usage.services.shippers import note_shipper

logger = structlog.get_logger(__name__)

DEAD_LETTER_SOURCE: Final = "usage.event"
_INSERT: Final = """
    INSERT INTO usage_usagebatch (id, created_at, updated_at, available_at, source, organization_id,
        idempotency_key, body, event_count, rejections, status, attempts, outcome, last_error, oldest_event_at)
    VALUES (%(id)s, %(now)s, %(now)s, %(now)s, %(source)s, %(organization_id)s,
        %(idempotency_key)s, %(body)b, %(event_count)s, %(rejections)s, %(status)s, 0, '{}', '', %(oldest_event_at)s)
    ON CONFLICT (idempotency_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """What the sender is told."""

    batch_id: str
    accepted: int
    rejections: tuple[Rejection, ...]
    is_replay: bool


def accept_batch(
    *, body: bytes, batch_key: str, actor: Actor, packed: bytes | None = None
) -> BatchReceipt:
    """Store a batch and wake the processors.

    Args:
        body: the envelope as JSON, decompressed.
        batch_key: names the batch; the same key again returns the stored batch. Empty: a new batch.
        actor: a platform token (the shipper's, whose calls are never rejected) or a provider's.
        packed: the same body as the sender compressed it, if it did; saves compressing it again.

    Raises:
        InvalidInput: the envelope cannot be read, or holds too many events.
        Unavailable: back-pressure; try again after `retry_after_s`.
    """
    envelope = _read_envelope(body)
    is_platform = actor.organization_id is None
    if envelope.shipper is not None and is_platform and not envelope.events:
        _note_shipper(envelope.shipper)
        return BatchReceipt("", 0, (), is_replay=False)
    _refuse_under_pressure()
    now = clock.now()
    found = find_all_good(body, now=now, is_gateway=is_platform) or sort_events(
        envelope.events, now=now, is_gateway=is_platform
    )
    stored = (packed or pack(body)) if found.is_whole else pack_events(found.accepted)
    key = f"{actor.organization_id or 'platform'}:{batch_key or uuid7()}"
    with transaction.atomic():
        batch_id = _insert(found, stored, key=key, actor=actor)
        if batch_id is None:
            return _stored_receipt(key)
        _keep_unreadable(found, batch_id)
        if envelope.shipper is not None and is_platform:
            _note_shipper(envelope.shipper)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [INBOX_CHANNEL])
    return BatchReceipt(batch_id, found.count, found.rejections, is_replay=False)


def _read_envelope(body: bytes) -> Envelope:
    try:
        envelope = decode_envelope(body)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidInput(str(error), code="invalid_body") from None
    if len(envelope.events) > MAX_EVENTS_PER_BATCH:
        detail = _("A batch holds at most %(limit)s events.") % {"limit": MAX_EVENTS_PER_BATCH}
        raise InvalidInput(detail, field="events", code="too_many_events")
    if not envelope.events and envelope.shipper is None:
        raise InvalidInput(_("A batch holds at least one event."), field="events", code="no_events")
    return envelope


def _refuse_under_pressure() -> None:
    pending = UsageBatch.objects.filter(status=BatchStatus.PENDING)
    if pending[MAX_PENDING_BATCHES - 1 : MAX_PENDING_BATCHES].exists():
        raise Unavailable(
            _("Too many batches wait to be processed."),
            code="inbox_full",
            retry_after_s=BACK_PRESSURE_RETRY_S,
        )


def _insert(found: Sorted, stored: bytes, *, key: str, actor: Actor) -> str | None:
    """Insert the row; return its public id, or None when the key is stored already."""
    batch = UsageBatch()
    values = {
        "id": batch.pk,
        "now": clock.now(),
        "source": actor.label[:80],
        "organization_id": actor.organization_id,
        "idempotency_key": key,
        "body": stored,
        "event_count": found.count,
        "rejections": Jsonb([asdict(rejection) for rejection in found.rejections]),
        "status": BatchStatus.PENDING.value,
        "oldest_event_at": found.oldest_at,
    }
    with connection.cursor(), connection.wrap_database_errors:
        # Django's own cursor would write the body into the statement, as text of twice its length.
        cursor: Cursor[Any] = Cursor(connection.connection)
        cursor.execute(_INSERT, values)
        return batch.public_id if cursor.rowcount else None


def _stored_receipt(key: str) -> BatchReceipt:
    batch = UsageBatch.objects.only("id", "event_count", "rejections").get(idempotency_key=key)
    rejections = tuple(Rejection(**rejection) for rejection in batch.rejections)
    return BatchReceipt(batch.public_id, batch.event_count, rejections, is_replay=True)


def _keep_unreadable(found: Sorted, batch_id: str) -> None:
    for number, (raw, reason) in enumerate(found.unreadable):
        logger.error("usage.gateway_event_unreadable", batch_id=batch_id, reason=reason)
        DeadLetter.objects.create(
            source=DEAD_LETTER_SOURCE,
            reference=f"{batch_id}:{number}",
            payload={"raw": raw.decode(errors="replace")},
            reason=reason,
        )


def _note_shipper(report: ShipperReport) -> None:
    note_shipper(node=report.node, oldest_unshipped_at=report.oldest_unshipped_at)

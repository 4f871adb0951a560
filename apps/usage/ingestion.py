"""Intake: a batch of events becomes one durable row, and the answer is 202.

Nothing is resolved, counted or joined here, so slow processing never delays a shipper. The same batch key twice is the
same row.

Source: docs/domain/metering.md §2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg import Cursor
from psycopg.types.json import Jsonb

from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput, Unavailable
from apps.core.ids import format_public_id, uuid7
from apps.core.models import DeadLetter
from apps.usage.acceptance import accepted_past
from apps.usage.constants import (
    BACK_PRESSURE_RETRY_S,
    DEAD_LETTER_SOURCE,
    INBOX_CHANNEL,
    MAX_EVENTS_PER_BATCH,
    MAX_PENDING_BATCHES,
)
from apps.usage.enums import BatchStatus
from apps.usage.event_schema import (
    Envelope,
    IntakeRules,
    Rejection,
    ShipperReport,
    Sorted,
    decode_envelope,
    find_all_good,
)
from apps.usage.key_names import find_named
from apps.usage.models import RejectedEvent, UsageBatch
from apps.usage.packing import join_events, pack, pack_events, split_lines
from apps.usage.services.shippers import note_shipper
from apps.usage.sorting import sort_events

logger = structlog.get_logger(__name__)

_INSERT: Final = """
    INSERT INTO usage_usagebatch (id, created_at, updated_at, available_at, source, organization_id,
        idempotency_key, body, event_count, rejections, status, attempts, outcome, last_error, oldest_event_at)
    VALUES (%(id)s, %(now)s, %(now)s, %(now)s, %(source)s, %(organization_id)s,
        %(idempotency_key)s, %(body)b, %(event_count)s, %(rejections)s, %(status)s, 0, '{}', '', %(oldest_event_at)s)
    ON CONFLICT (idempotency_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """What the sender is told. `log_replay_id` is a replay of its log that a shipper is asked for."""

    batch_id: str
    accepted: int
    rejections: tuple[Rejection, ...]
    is_replay: bool
    log_replay_id: UUID | None = None


def accept_batch(
    *,
    body: bytes,
    batch_key: str,
    actor: Actor,
    packed: bytes | None = None,
    is_lines: bool = False,
) -> BatchReceipt:
    """Store a batch and wake the processors.

    Args:
        body: the envelope as JSON, or an event a line, decompressed.
        batch_key: names the batch; the same key again returns the stored batch. Empty: a new batch.
        actor: a platform token (the shipper's, whose calls are never rejected) or a provider's.
        packed: the same body as the sender compressed it, if it did; saves compressing it again.
        is_lines: the body holds an event a line.

    Raises:
        InvalidInput: the envelope cannot be read, or holds too many events.
        Unavailable: back-pressure; try again after `retry_after_s`.
    """
    if is_lines:
        raws: Sequence[bytes] = split_lines(body)
        envelope, body, packed = Envelope(events=[]), join_events(raws), None
    else:
        envelope = _read_envelope(body)
        raws = envelope.events
    _require_count(len(raws), envelope)
    is_platform = actor.organization_id is None
    if envelope.shipper is not None and is_platform and not raws:
        asked = _note_shipper(envelope.shipper)
        return BatchReceipt("", 0, (), is_replay=False, log_replay_id=asked)
    _refuse_under_pressure()
    rules = _rules_for(actor)
    found = find_all_good(body, rules=rules) or sort_events(
        [bytes(raw) for raw in raws], rules=rules, find_named=find_named
    )
    stored = (packed or pack(body)) if found.is_whole else pack_events(found.accepted)
    key = f"{actor.organization_id or 'platform'}:{batch_key or uuid7()}"
    asked = None
    with transaction.atomic():
        pk = _insert(found, stored, key=key, actor=actor)
        if pk is None:
            return _stored_receipt(key)
        batch_id = format_public_id(UsageBatch.id_prefix, pk)
        _keep_unreadable(found, batch_id)
        _keep_rejected(found, pk, actor)
        if envelope.shipper is not None and is_platform:
            asked = _note_shipper(envelope.shipper)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [INBOX_CHANNEL])
    return BatchReceipt(
        batch_id, found.count, found.rejections, is_replay=False, log_replay_id=asked
    )


def event_problem(raw: bytes, *, actor: Actor) -> str:
    """Return why intake would not take an event of this sender; empty if it would."""
    rules = _rules_for(actor)
    found = sort_events([raw], rules=rules, find_named=find_named)
    reasons = [item.reason for item in found.rejections]
    reasons += [item.reason for item in found.unreadable]
    return next(iter(reasons), "")


def _rules_for(actor: Actor) -> IntakeRules:
    is_gateway = actor.organization_id is None
    return IntakeRules(now=clock.now(), is_gateway=is_gateway, accepted_past=accepted_past())


def _read_envelope(body: bytes) -> Envelope:
    try:
        envelope = decode_envelope(body)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidInput(str(error), code="invalid_body") from None
    return envelope


def _require_count(count: int, envelope: Envelope) -> None:
    if count > MAX_EVENTS_PER_BATCH:
        detail = _("A batch holds at most %(limit)s events.") % {"limit": MAX_EVENTS_PER_BATCH}
        raise InvalidInput(detail, field="events", code="too_many_events")
    if not count and envelope.shipper is None:
        raise InvalidInput(_("A batch holds at least one event."), field="events", code="no_events")


def _refuse_under_pressure() -> None:
    pending = UsageBatch.objects.filter(status=BatchStatus.PENDING)
    if pending[MAX_PENDING_BATCHES - 1 : MAX_PENDING_BATCHES].exists():
        raise Unavailable(
            _("Too many batches wait to be processed."),
            code="inbox_full",
            retry_after_s=BACK_PRESSURE_RETRY_S,
        )


def _insert(found: Sorted, stored: bytes, *, key: str, actor: Actor) -> UUID | None:
    """Insert the row; return its id, or None when the key is stored already."""
    batch = UsageBatch()
    values = {
        "id": batch.pk,
        "now": clock.now(),
        "source": actor.label[:80],
        "organization_id": actor.organization_id,
        "idempotency_key": key,
        "body": stored,
        "event_count": found.count,
        "rejections": Jsonb([_as_json(rejection) for rejection in found.rejections]),
        "status": BatchStatus.PENDING.value,
        "oldest_event_at": found.oldest_at,
    }
    with connection.cursor(), connection.wrap_database_errors:
        # Django's own cursor would write the body into the statement, as text of twice its length.
        cursor: Cursor[Any] = Cursor(connection.connection)
        cursor.execute(_INSERT, values)
        return batch.pk if cursor.rowcount else None


def _stored_receipt(key: str) -> BatchReceipt:
    batch = UsageBatch.objects.only("id", "event_count", "rejections").get(idempotency_key=key)
    rejections = tuple(Rejection(**rejection) for rejection in batch.rejections)
    return BatchReceipt(batch.public_id, batch.event_count, rejections, is_replay=True)


def _keep_unreadable(found: Sorted, batch_id: str) -> None:
    for item in found.unreadable:
        logger.error("usage.gateway_event_unreadable", batch_id=batch_id, reason=item.reason)
        DeadLetter.objects.create(
            source=DEAD_LETTER_SOURCE,
            reference=f"{batch_id}:{item.index}",
            payload={"raw": item.payload},
            reason=item.reason,
        )


def _as_json(rejection: Rejection) -> dict[str, Any]:
    """Return what the batch keeps and the sender is told: what was sent stands in a row of its own."""
    return {
        "index": rejection.index,
        "code": rejection.code,
        "reason": rejection.reason,
        "field": rejection.field,
        "event_id": rejection.event_id,
    }


def _keep_rejected(found: Sorted, batch_pk: UUID, actor: Actor) -> None:
    if not found.rejections:
        return
    logger.warning("usage.events_rejected", batch_id=str(batch_pk), count=len(found.rejections))
    RejectedEvent.objects.bulk_create(
        RejectedEvent(
            batch_id=batch_pk,
            organization_id=actor.organization_id,
            position=rejection.index,
            event_id=rejection.event_id,
            code=rejection.code,
            field=rejection.field[:60],
            reason=rejection.reason,
            payload=rejection.payload,
        )
        for rejection in found.rejections
    )


def _note_shipper(report: ShipperReport) -> UUID | None:
    return note_shipper(node=report.node, oldest_unshipped_at=report.oldest_unshipped_at)

"""What becomes of a batch that fails, and of an event that cannot be counted: another try, then a dead letter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog
from django.db import transaction

from apps.core import clock
from apps.core.models import DeadLetter
from apps.core.relay import backoff_s
from apps.usage.constants import CONFLICT_SOURCE, DEAD_LETTER_SOURCE, MAX_ATTEMPTS
from apps.usage.enums import BatchStatus
from apps.usage.event_schema import IncomingEvent, body_hash
from apps.usage.models import UsageBatch

logger = structlog.get_logger(__name__)


def note_failure(batch_id: UUID, error: Exception) -> None:
    """Have a batch wait, with doubling time and jitter, or give it up after its last attempt."""
    with transaction.atomic():
        batch = UsageBatch.objects.select_for_update().get(pk=batch_id)
        batch.attempts += 1
        batch.last_error = f"{type(error).__name__}: {error}"
        batch.available_at = clock.now() + timedelta(seconds=backoff_s(batch.attempts))
        if batch.attempts >= MAX_ATTEMPTS:
            batch.status = BatchStatus.FAILED
            DeadLetter.objects.get_or_create(
                source="usage.batch",
                reference=batch.public_id,
                resolved_at=None,
                defaults={
                    "payload": {"batch_id": batch.public_id, "event_count": batch.event_count},
                    "reason": batch.last_error,
                    "attempts": batch.attempts,
                    "organization_id": batch.organization_id,
                },
            )
        batch.save(update_fields=["attempts", "last_error", "available_at", "status", "updated_at"])


def bury_conflict(batch: UsageBatch, event: IncomingEvent, first_hash: bytes) -> str:
    """Keep an event whose id came first with another body, with the hashes of both bodies; return its id."""
    hashes = {"body_hash": body_hash(event).hex(), "first_body_hash": first_hash.hex()}
    reason = "The same id came with another body."
    bury_event(event, reason, batch=batch, source=CONFLICT_SOURCE, hashes=hashes)
    return str(event.id)


def bury_event(
    event: IncomingEvent,
    reason: str,
    *,
    batch: UsageBatch,
    source: str = DEAD_LETTER_SOURCE,
    hashes: Mapping[str, str] | None = None,
) -> None:
    """Set an event aside as a dead letter, once while the letter is open."""
    logger.error("usage.event_unplaced", event_id=str(event.id), reason=reason)
    DeadLetter.objects.get_or_create(
        source=source,
        reference=str(event.id),
        resolved_at=None,
        defaults={
            # As text: jsonb would refuse the very event that cannot be stored.
            "payload": {"raw": msgspec.json.encode(event).decode(), **(hashes or {})},
            "reason": reason,
            "attempts": batch.attempts + 1,
            "organization_id": batch.organization_id,
        },
    )

"""From the inbox to events and windows, in one transaction per batch.

The order matters. Identities first: the unique index decides which events are new. Then the events, by COPY. Then the
cutoffs are share-locked, and the windows are added to in key order as the last lock taken (windows first would make four
workers as slow as one). A processor killed at any point leaves a pending batch and nothing else.

Source: docs/domain/metering.md §3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, transaction

from apps.core import clock, outbox
from apps.core.db import CONNECTION_LOST
from apps.core.ids import format_public_id
from apps.keys.models import ApiKey
from apps.keys.services import KeyUse, note_key_uses
from apps.usage.conflict_notices import tell_of_conflicts
from apps.usage.constants import (
    GATEWAY_SOURCE,
    ISOLATE_AFTER_ATTEMPTS,
)
from apps.usage.counting import count_events
from apps.usage.enums import BatchStatus
from apps.usage.event_rows import store_events
from apps.usage.event_schema import GoodEnvelope, IncomingEvent, body_hash, decode_stored
from apps.usage.give_back import GIVE_BACK_TOPIC
from apps.usage.identities import claim_identities
from apps.usage.instants import from_us, to_us
from apps.usage.models import UsageBatch
from apps.usage.old_events import without_known
from apps.usage.packing import unpack
from apps.usage.placement import Misplaced, Place, Placed, place_events
from apps.usage.refusals import keep_refused
from apps.usage.rollups.marks import mark_hours
from apps.usage.services.burials import bury_conflict, bury_event, note_failure

logger = structlog.get_logger(__name__)
# The commit need not wait for the disk: it makes the batch processed together with all that comes of it, so if the
# server crashes before the flush, the batch is pending again and is processed again. What others derive from it
# commits later, hence is flushed only together with it.
_COMMIT_WITHOUT_FLUSH: Final = "SET LOCAL synchronous_commit TO off"


@dataclass(slots=True)
class Outcome:
    """What became of a batch's events.

    `revised` events came behind their window's watermark and were counted; `late` ones came after their period was
    closed, and were not.
    """

    counted: int = 0
    unbillable: int = 0
    measured: int = 0
    duplicates: int = 0
    late: int = 0
    revised: int = 0
    conflicts: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    refused: list[tuple[IncomingEvent, Misplaced]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the plain form that the batch keeps."""
        return {
            "counted": self.counted,
            "unbillable": self.unbillable,
            "measured": self.measured,
            "duplicates": self.duplicates,
            "late": self.late,
            "revised": self.revised,
            "conflicts": self.conflicts,
            "unplaced": self.unplaced,
            "rejected": len(self.refused),
        }


def process_next_batch() -> bool:
    """Process the oldest batch that is due; return whether there was one.

    The batch, its events, its windows and its new status commit together. On failure the batch waits with doubling
    backoff; from the third attempt on each event is tried alone, and what fails alone becomes a dead letter.

    Raises:
        django.db.OperationalError: the database is away; the batch stays as it was.
    """
    batch_id: UUID | None = None
    try:
        with transaction.atomic():
            batch = _claim()
            if batch is None:
                return False
            batch_id = batch.pk
            stored = decode_stored(unpack(bytes(batch.body)))
            if batch.attempts >= ISOLATE_AFTER_ATTEMPTS:
                outcome = _process_one_by_one(batch, stored.events)
            else:
                outcome = _process(batch, stored.events, addresses=_addresses_of(batch, stored))
            keep_refused(batch, stored.events, outcome.refused)
            if outcome.conflicts:
                tell_of_conflicts(batch, outcome.conflicts)
            batch.attempts += 1
            batch.status, batch.processed_at = BatchStatus.PROCESSED, clock.now()
            batch.outcome, batch.last_error = outcome.as_json(), ""
            batch.save(
                update_fields=[
                    "status",
                    "attempts",
                    "processed_at",
                    "outcome",
                    "last_error",
                    "updated_at",
                ]
            )
    except CONNECTION_LOST:
        raise
    except Exception as error:
        logger.exception("usage.batch_failed", batch_id=str(batch_id))
        if batch_id is None:
            raise
        note_failure(batch_id, error)
    return True


def _claim() -> UsageBatch | None:
    due = UsageBatch.objects.filter(status=BatchStatus.PENDING, available_at__lte=clock.now())
    batch = due.select_for_update(skip_locked=True).order_by("id").first()
    if batch is not None:
        with connection.cursor() as cursor:
            cursor.execute(_COMMIT_WITHOUT_FLUSH)
    return batch


def _process_one_by_one(batch: UsageBatch, events: Sequence[IncomingEvent]) -> Outcome:
    """Give each event its own savepoint; one that fails alone becomes a dead letter."""
    total = Outcome()
    for event in sorted(events, key=lambda item: item.id):
        try:
            with transaction.atomic():
                part = _process(batch, [event])
        except CONNECTION_LOST:
            raise
        except Exception as error:  # whatever one event does, the rest goes on
            logger.exception("usage.event_failed", event_id=str(event.id))
            bury_event(event, f"{type(error).__name__}: {error}", batch=batch)
            total.unplaced.append(str(event.id))
            continue
        total.counted += part.counted
        total.unbillable += part.unbillable
        total.measured += part.measured
        total.duplicates += part.duplicates
        total.late += part.late
        total.revised += part.revised
        total.conflicts += part.conflicts
        total.unplaced += part.unplaced
        total.refused += part.refused
    return total


def _addresses_of(batch: UsageBatch, stored: GoodEnvelope) -> Mapping[str, str]:
    """Return where keys were last used from. Only our own gateway is believed, not a provider who sends events."""
    if stored.shipper is None or batch.organization_id is not None:
        return {}
    return stored.shipper.key_addresses


def _process(
    batch: UsageBatch,
    events: Sequence[IncomingEvent],
    *,
    addresses: Mapping[str, str] | None = None,
) -> Outcome:
    outcome = Outcome()
    distinct = _without_repeats(batch, events, outcome)
    placed, unplaced = place_events(batch, distinct)
    for event, misplaced in unplaced:
        if batch.organization_id is not None:
            outcome.refused.append((event, misplaced))
            continue
        bury_event(event, misplaced.reason, batch=batch)
        outcome.unplaced.append(str(event.id))
    unknown, known = without_known(placed, oldest=batch.oldest_event_at)
    new, repeated, changed = claim_identities(unknown)
    outcome.duplicates += len(repeated) + known
    for item, first_hash in changed:
        outcome.conflicts.append(bury_conflict(batch, item.event, first_hash))
    if new:
        store_events(new, batch_id=batch.pk)
        mark_hours(new)
        _give_back_unbillable(new)
        counted = count_events(new, arrived_us=to_us(batch.available_at))
        outcome.late, outcome.revised = counted.late, counted.revised
        outcome.counted, outcome.measured = counted.counted, counted.measured
        outcome.unbillable = counted.unbillable
        transaction.on_commit(lambda: note_key_uses(last_uses=_last_uses(new, addresses or {})))
    return outcome


def _last_uses(placed: Sequence[Placed], addresses: Mapping[str, str]) -> dict[UUID, KeyUse]:
    """Return when each key was last used, in real time, and where from."""
    uses: dict[Place, int] = {}
    for item in placed:
        if item.decided_us > uses.get(item.place, item.decided_us - 1):
            uses[item.place] = item.decided_us
    latest: dict[UUID, int] = {}
    for place, decided_us in uses.items():
        if place.key_id is not None:
            latest[place.key_id] = max(decided_us, latest.get(place.key_id, decided_us))
    return {
        key_id: KeyUse(
            from_us(decided_us), addresses.get(format_public_id(ApiKey.id_prefix, key_id))
        )
        for key_id, decided_us in latest.items()
    }


def _without_repeats(
    batch: UsageBatch, events: Sequence[IncomingEvent], outcome: Outcome
) -> list[IncomingEvent]:
    """Drop repeats within the batch and sort by id, so that two processors lock in one order."""
    by_id: dict[int, IncomingEvent] = {}
    for event in events:
        known = by_id.setdefault(event.id.int, event)
        if known is event:
            continue
        if body_hash(known) == body_hash(event):
            outcome.duplicates += 1
        else:
            outcome.conflicts.append(bury_conflict(batch, event, body_hash(known)))
    return [event for _id, event in sorted(by_id.items())]


def _give_back_unbillable(placed: Sequence[Placed]) -> None:
    """The gateway took quota for every call that it let through; give back what is not billed."""
    by_subscription: dict[UUID, list[Placed]] = defaultdict(list)
    for item in placed:
        if item.event.source == GATEWAY_SOURCE and not item.is_billable:
            by_subscription[item.place.subscription_id].append(item)
    for subscription_id, items in by_subscription.items():
        calls = [[str(item.event.id), from_us(item.occurred_us).isoformat()] for item in items]
        outbox.enqueue(GIVE_BACK_TOPIC, {"subscription_id": str(subscription_id), "calls": calls})

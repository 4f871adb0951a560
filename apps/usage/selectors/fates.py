"""What became of each event of a batch.

Nothing is written for this while events are processed: stored events name their batch, and everything else is an
exception that was noted where it happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.core.models import DeadLetter
from apps.usage.constants import CONFLICT_SOURCE, DEAD_LETTER_SOURCE
from apps.usage.enums import BatchStatus, EventFate
from apps.usage.event_schema import body_hash, decode_events
from apps.usage.models import RejectedEvent, UsageBatch, UsageEvent
from apps.usage.packing import unpack
from apps.usage.refusals import original_positions


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event of a batch, by its position in it. `code`, `field` and `reason` say why it is not stored."""

    index: int
    event_id: str
    fate: EventFate
    code: str = ""
    field: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Taken:
    """An event that intake took. `repeats` says of an id that stood in the batch before whether the body is the same."""

    event_id: UUID
    repeats: bool | None


def fates_of(
    batch: UsageBatch, *, fate: str = "", after: int = -1, limit: int = 200
) -> list[SentEvent]:
    """Return up to `limit` events behind a position, all of them or those of one fate, in the order they were sent.

    Four queries at most, however many events. Of a batch whose body is no longer kept, only exceptions are told.
    """
    exceptions = _exceptions_of(batch)
    unreadable = {
        index for index, item in exceptions.items() if not item.event_id and not item.code
    }
    taken = _taken_events(batch, unreadable)
    wanted = [index for index in sorted({*exceptions, *taken}) if index > after]
    if not fate:
        wanted = wanted[:limit]
    told = _tell(batch, wanted, exceptions, taken)
    return [item for item in told if not fate or item.fate == fate][:limit]


def _exceptions_of(batch: UsageBatch) -> dict[int, SentEvent]:
    """Return what was rejected, and calls of the gateway that could not be read, by position."""
    found: dict[int, SentEvent] = {}
    for item in batch.rejections:
        found[item["index"]] = SentEvent(
            item["index"],
            item.get("event_id", ""),
            EventFate.REJECTED,
            item["code"],
            item.get("field", ""),
            item["reason"],
        )
    for row in RejectedEvent.objects.filter(batch=batch).defer("payload"):
        found[row.position] = SentEvent(
            row.position, row.event_id, EventFate.REJECTED, row.code, row.field, row.reason
        )
    letters = DeadLetter.objects.filter(
        source=DEAD_LETTER_SOURCE, reference__startswith=f"{batch.public_id}:"
    )
    for reference, reason in letters.values_list("reference", "reason"):
        index = int(reference.rpartition(":")[2])
        found[index] = SentEvent(index, "", EventFate.DEAD_LETTER, reason=reason)
    return found


def _taken_events(batch: UsageBatch, unreadable: set[int]) -> dict[int, _Taken]:
    if not batch.body:
        return {}
    events = decode_events(unpack(bytes(batch.body)))
    left_out = unreadable | {item["index"] for item in batch.rejections}
    first: dict[UUID, bytes] = {}
    taken: dict[int, _Taken] = {}
    for event, index in zip(events, original_positions(len(events), left_out), strict=True):
        digest = body_hash(event)
        known = first.get(event.id)
        first.setdefault(event.id, digest)
        taken[index] = _Taken(event.id, None if known is None else known == digest)
    return taken


def _tell(
    batch: UsageBatch,
    wanted: Sequence[int],
    exceptions: dict[int, SentEvent],
    taken: dict[int, _Taken],
) -> list[SentEvent]:
    ids = {taken[index].event_id for index in wanted if index not in exceptions}
    stored: set[UUID] = set()
    if batch.status == BatchStatus.PROCESSED and ids:
        rows = UsageEvent.objects.filter(event_id__in=ids, batch_id=batch.pk)
        stored = set(rows.values_list("event_id", flat=True))
    reasons = _reasons_of(batch)
    # A conflict with an event of the same batch is the later one's; what is left over is the first one's.
    later = Counter(str(item.event_id) for item in taken.values() if item.repeats is False)
    conflicts = Counter(batch.outcome.get("conflicts", ())) - later
    told = []
    for index in wanted:
        if index in exceptions:
            told.append(exceptions[index])
            continue
        event_id = str(taken[index].event_id)
        fate = _fate(batch, taken[index], stored, conflicts)
        reason = reasons.get(event_id, "") if fate in _WITH_REASON else ""
        if fate == EventFate.DEAD_LETTER and batch.organization_id is not None:
            reason = _NOT_STORED  # what failed inside is for operators
        told.append(SentEvent(index, event_id, fate, reason=reason))
    return told


_NOT_STORED = "It could not be stored. The operator has it and mends it."
_WITH_REASON = frozenset({EventFate.CONFLICT, EventFate.DEAD_LETTER})


def _reasons_of(batch: UsageBatch) -> dict[str, str]:
    named = [*batch.outcome.get("conflicts", ()), *batch.outcome.get("unplaced", ())]
    if not named:
        return {}
    letters = DeadLetter.objects.filter(
        source__in=[CONFLICT_SOURCE, DEAD_LETTER_SOURCE], reference__in=named
    )
    return dict(letters.values_list("reference", "reason"))


def _fate(
    batch: UsageBatch, taken: _Taken, stored: set[UUID], conflicts: Counter[str]
) -> EventFate:
    if batch.status != BatchStatus.PROCESSED:
        is_waiting = batch.status == BatchStatus.PENDING
        return EventFate.WAITING if is_waiting else EventFate.DEAD_LETTER
    if taken.repeats is not None:
        return EventFate.DUPLICATE if taken.repeats else EventFate.CONFLICT
    if taken.event_id in stored:
        return EventFate.STORED
    event_id = str(taken.event_id)
    if event_id in batch.outcome.get("unplaced", ()):
        return EventFate.DEAD_LETTER
    return EventFate.CONFLICT if conflicts[event_id] else EventFate.DUPLICATE

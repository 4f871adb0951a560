"""Events that intake took and processing refuses: of a provider that names what is not there, or not its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from apps.usage.enums import RejectionCode
from apps.usage.event_names import kept_text
from apps.usage.event_schema import IncomingEvent
from apps.usage.models import RejectedEvent, UsageBatch
from apps.usage.placement import Misplaced


def keep_refused(
    batch: UsageBatch,
    stored: Sequence[IncomingEvent],
    refused: Sequence[tuple[IncomingEvent, Misplaced]],
) -> None:
    """Keep refused events for their sender, each with its position in the batch as it was sent."""
    if not refused:
        return
    skipped = {rejection["index"] for rejection in batch.rejections}
    positions = dict(zip(map(id, stored), original_positions(len(stored), skipped), strict=True))
    RejectedEvent.objects.bulk_create(
        RejectedEvent(
            batch=batch,
            organization_id=batch.organization_id,
            position=positions[id(event)],
            event_id=str(event.id),
            code=misplaced.code,
            field="key_id" if misplaced.code == RejectionCode.UNKNOWN_KEY else "subscription_id",
            reason=misplaced.reason,
            payload=kept_text(msgspec.json.encode(event)),
        )
        for event, misplaced in refused
    )


def original_positions(count: int, skipped: set[int]) -> list[int]:
    """Return where so many events stood in the batch as it was sent, when those at `skipped` were left out."""
    places = range(count + len(skipped))
    return [index for index in places if index not in skipped]

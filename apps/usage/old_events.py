"""Events older than what identities remember: only our own gateway may send them, for example from a replayed log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from apps.core import clock
from apps.usage.acceptance import accepted_past
from apps.usage.models import UsageEvent
from apps.usage.placement import Placed
from apps.usage.selectors import find_archived

# Beyond the accepted time: a sender's clock, and batches that waited.
IDENTITY_MARGIN: Final = timedelta(days=14)


def identity_horizon() -> datetime:
    """Return since when identities are kept for sure."""
    return clock.now() - accepted_past() - IDENTITY_MARGIN


def without_known(
    placed: Sequence[Placed], *, oldest: datetime | None
) -> tuple[Sequence[Placed], int]:
    """Leave out events whose identity may be forgotten but which are stored or archived; return how many those are.

    `oldest` is the batch's oldest event: for a batch of recent events nothing is asked.
    """
    if oldest is None or oldest >= identity_horizon():
        return placed, 0
    ids = [item.event.id for item in placed]
    known = set(UsageEvent.objects.filter(event_id__in=ids).values_list("event_id", flat=True))
    known |= {event.event_id for event in find_archived(set(ids) - known)}
    left = [item for item in placed if item.event.id not in known]
    return left, len(placed) - len(left)

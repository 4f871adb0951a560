"""Windows: what events add up to, and the cutoffs that close them.

Processors share a subscription's cutoff row and closing takes it alone, so a window never changes, or appears,
inside what was closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from apps.core import clock
from apps.core.ids import uuid7
from apps.pricing.models import CALLS_METER
from apps.usage.instants import from_us
from apps.usage.models import LateEvent
from apps.usage.placement import Place, Placed

WINDOW: Final = timedelta(hours=1)
_ADD_TO_WINDOWS: Final = """
    INSERT INTO usage_usagewindow AS w (id, created_at, updated_at, consumer_organization_id,
        provider_organization_id, subscription_id, api_id, meter, window_start, window_end, quantity,
        event_count, error_count, revision, status)
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::uuid[], %s::uuid[],
        %s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::numeric[], %s::bigint[],
        %s::bigint[], %s::int[], %s::text[])
    ON CONFLICT (subscription_id, meter, window_start) DO UPDATE SET
        quantity = w.quantity + EXCLUDED.quantity, event_count = w.event_count + EXCLUDED.event_count,
        error_count = w.error_count + EXCLUDED.error_count, revision = w.revision + 1,
        updated_at = EXCLUDED.updated_at
"""


def share_cutoffs(subscription_ids: Sequence[UUID]) -> dict[UUID, datetime | None]:
    """Lock the cutoffs against closing (not against other processors) until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_usagecutoff (subscription_id) SELECT unnest(%s::uuid[])"
            " ON CONFLICT DO NOTHING",
            [list(subscription_ids)],
        )
        cursor.execute(
            "SELECT subscription_id, closed_until FROM usage_usagecutoff"
            " WHERE subscription_id = ANY(%s) ORDER BY subscription_id FOR SHARE",
            [list(subscription_ids)],
        )
        return dict(cursor.fetchall())


def late_row(item: Placed) -> LateEvent:
    return LateEvent(
        event_id=item.event.id,
        consumer_organization_id=item.place.consumer_id,
        subscription_id=item.place.subscription_id,
        meter=CALLS_METER,
        occurred_at=from_us(item.occurred_us),
        window_start=from_us(item.window_us),
        quantity=1,
    )


@dataclass(slots=True)
class _Sums:
    place: Place
    billable: int = 0
    events: int = 0
    errors: int = 0


def add_to_windows(placed: Sequence[Placed]) -> None:
    kinds = Counter(
        (item.place, item.window_us, item.is_billable, (item.event.status or 0) >= 400)
        for item in placed
    )
    windows: dict[tuple[UUID, int], _Sums] = {}
    for (place, window_us, is_billable, is_error), count in kinds.items():
        sums = windows.setdefault((place.subscription_id, window_us), _Sums(place))
        sums.events += count
        sums.billable += count * is_billable
        sums.errors += count * is_error
    now = clock.now()
    rows = [
        (
            uuid7(),
            now,
            now,
            sums.place.consumer_id,
            sums.place.provider_id,
            subscription_id,
            sums.place.api_id,
            CALLS_METER,
            from_us(window_us),
            from_us(window_us) + WINDOW,
            sums.billable,
            sums.events,
            sums.errors,
            1,
            "open",
        )
        for (subscription_id, window_us), sums in sorted(windows.items())
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TO_WINDOWS, [list(column) for column in zip(*rows, strict=True)])

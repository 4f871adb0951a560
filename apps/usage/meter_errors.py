"""Events that gave a meter no value: counted by meter and reason, so that its provider sees and mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection

from apps.core import clock
from apps.core.ids import uuid7
from apps.usage.instants import from_us
from apps.usage.metering import Miss

_NOTE: Final = """
    INSERT INTO usage_metererror AS e (id, created_at, updated_at, meter_id, code, count, last_event_id, last_at, sample)
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::text[], %s::bigint[],
        %s::uuid[], %s::timestamptz[], %s::text[])
    ON CONFLICT (meter_id, code) DO UPDATE SET count = e.count + EXCLUDED.count, updated_at = EXCLUDED.updated_at,
        sample = CASE WHEN (EXCLUDED.last_at, EXCLUDED.last_event_id) > (e.last_at, e.last_event_id)
            THEN EXCLUDED.sample ELSE e.sample END,
        last_event_id = CASE WHEN (EXCLUDED.last_at, EXCLUDED.last_event_id) > (e.last_at, e.last_event_id)
            THEN EXCLUDED.last_event_id ELSE e.last_event_id END,
        last_at = GREATEST(e.last_at, EXCLUDED.last_at)
"""


def note_misses(misses: Sequence[Miss]) -> None:
    """Count misses, in the order of their keys, and keep the latest of each reason as a sample."""
    if not misses:
        return
    counts: dict[tuple[UUID, str], int] = {}
    latest: dict[tuple[UUID, str], Miss] = {}
    for miss in misses:
        key = miss.meter.id, miss.code.value
        counts[key] = counts.get(key, 0) + 1
        known = latest.get(key, miss)
        latest[key] = max(known, miss, key=lambda each: (each.at_us, each.event_id))
    now = clock.now()
    rows = [
        (
            uuid7(),
            now,
            now,
            *key,
            counts[key],
            latest[key].event_id,
            from_us(latest[key].at_us),
            latest[key].sample,
        )
        for key in sorted(counts)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [list(column) for column in zip(*rows, strict=True)])

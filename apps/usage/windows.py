"""Windows: what events add up to, and the cutoffs that close them.

Processors share a subscription's cutoff row and closing takes it alone, so a window never changes, or appears,
inside what was closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from apps.core import clock
from apps.core.ids import uuid7
from apps.pricing.models import CALLS_METER
from apps.usage.aggregation import Kind, Total, add
from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S
from apps.usage.instants import SECOND_US, from_us, to_us
from apps.usage.metering import Gain
from apps.usage.models import LateEvent
from apps.usage.placement import Place, Placed

WINDOW: Final = timedelta(hours=1)
_HOUR_US: Final = 3_600_000_000
# The same arithmetic as `aggregation.merge`, so that the order in which processors come does not matter.
_ADD_TO_WINDOWS: Final = """
    INSERT INTO usage_usagewindow AS w (id, created_at, updated_at, consumer_organization_id,
        provider_organization_id, subscription_id, api_id, meter, dimensions, aggregation, window_start, window_end,
        quantity, value_sum, value_at, value_event_id, event_count, error_count, watermark_at, revision, status)
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::uuid[], %s::uuid[],
        %s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::numeric[],
        %s::numeric[], %s::timestamptz[], %s::uuid[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::int[],
        %s::text[])
    ON CONFLICT (subscription_id, meter, window_start, dimensions) DO UPDATE SET
        quantity = CASE w.aggregation
            WHEN 'max' THEN GREATEST(w.quantity, EXCLUDED.quantity)
            WHEN 'min' THEN LEAST(w.quantity, EXCLUDED.quantity)
            WHEN 'avg' THEN round((w.value_sum + EXCLUDED.value_sum) / (w.event_count + EXCLUDED.event_count), 12)
            WHEN 'latest' THEN CASE
                WHEN (EXCLUDED.value_at, EXCLUDED.value_event_id) > (w.value_at, w.value_event_id)
                THEN EXCLUDED.quantity ELSE w.quantity END
            ELSE w.quantity + EXCLUDED.quantity END,
        value_sum = w.value_sum + EXCLUDED.value_sum,
        value_event_id = CASE
            WHEN (EXCLUDED.value_at, EXCLUDED.value_event_id) > (w.value_at, w.value_event_id)
            THEN EXCLUDED.value_event_id ELSE w.value_event_id END,
        value_at = GREATEST(w.value_at, EXCLUDED.value_at),
        event_count = w.event_count + EXCLUDED.event_count,
        error_count = w.error_count + EXCLUDED.error_count, revision = w.revision + 1,
        updated_at = EXCLUDED.updated_at
"""
_ADD_VALUES: Final = """
    INSERT INTO usage_usagewindowvalue (subscription_id, meter, window_start, dimensions, value_hash)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::bytea[])
    ON CONFLICT DO NOTHING RETURNING subscription_id, meter, window_start, dimensions
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


class WindowKey(NamedTuple):
    """What makes a window one. Processors lock windows in the order of their keys."""

    subscription_id: UUID
    meter: str
    window_us: int
    dimensions: str = ""


@dataclass(slots=True)
class _Window:
    """What a batch adds to one window."""

    place: Place
    end_us: int
    watermark_us: int
    kind: Kind
    total: Total
    errors: int = 0


def add_to_windows(placed: Sequence[Placed], gains: Sequence[Gain] = ()) -> None:
    """Add calls, and what other meters gain, to their windows: one statement, in the order of their keys.

    Args:
        placed: new events; those that are no calls count for other meters only.
        gains: what meters beside `calls` take from the same events.
    """
    windows = _windows_of_calls(placed)
    if gains:
        windows.update(_windows_of_gains(gains))
        _count_new_values(windows)
    if not windows:
        return
    now = clock.now()
    rows = [_row(key, window, now) for key, window in sorted(windows.items(), key=_by_key)]
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TO_WINDOWS, [list(column) for column in zip(*rows, strict=True)])


def _by_key(item: tuple[WindowKey, _Window]) -> WindowKey:
    return item[0]


def _windows_of_calls(placed: Sequence[Placed]) -> dict[WindowKey, _Window]:
    kinds = Counter(
        (item.place, item.window_us, item.is_billable, (item.event.status or 0) >= 400)
        for item in placed
        if item.is_call
    )
    windows: dict[WindowKey, _Window] = {}
    delay_us = DEFAULT_WATERMARK_DELAY_S * SECOND_US
    for (place, window_us, is_billable, is_error), count in kinds.items():
        key = WindowKey(place.subscription_id, CALLS_METER, window_us)
        window = windows.get(key)
        if window is None:
            end_us = window_us + _HOUR_US
            closes_us = end_us - place.offset_us + delay_us
            window = windows[key] = _Window(place, end_us, closes_us, Kind.COUNT, Total())
        window.total.events += count
        window.total.quantity += count * is_billable
        window.errors += count * is_error
    return windows


def _windows_of_gains(gains: Sequence[Gain]) -> dict[WindowKey, _Window]:
    windows: dict[WindowKey, _Window] = {}
    for gain in gains:
        meter, place = gain.meter, gain.place
        key = WindowKey(place.subscription_id, meter.key, gain.window_us, gain.dimensions)
        window = windows.get(key)
        if window is None:
            closes_us = gain.window_end_us - place.offset_us + meter.delay_us
            window = windows[key] = _Window(
                place, gain.window_end_us, closes_us, meter.kind, Total()
            )
        add(meter.kind, window.total, gain.reading, window_end=from_us(gain.window_end_us))
    return windows


def _count_new_values(windows: Mapping[WindowKey, _Window]) -> None:
    """Store the values that `unique` meters have not seen in their windows; only these add to them."""
    values = sorted(
        (key, value)
        for key, window in windows.items()
        if window.kind is Kind.UNIQUE
        for value in window.total.values
    )
    if not values:
        return
    rows = [
        (key.subscription_id, key.meter, from_us(key.window_us), key.dimensions, value)
        for key, value in values
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD_VALUES, [list(column) for column in zip(*rows, strict=True)])
        new = Counter(
            WindowKey(subscription_id, meter, to_us(window_start), dimensions)
            for subscription_id, meter, window_start, dimensions in cursor.fetchall()
        )
    for key, _value in values:
        windows[key].total.quantity = Decimal(new[key])


def _row(key: WindowKey, window: _Window, now: datetime) -> tuple[object, ...]:
    place, total = window.place, window.total
    is_latest = window.kind is Kind.LATEST
    return (
        uuid7(),
        now,
        now,
        place.consumer_id,
        place.provider_id,
        key.subscription_id,
        place.api_id,
        key.meter,
        key.dimensions,
        window.kind.value,
        from_us(key.window_us),
        from_us(window.end_us),
        total.quantity,
        total.value_sum,
        total.latest_at if is_latest else None,
        total.latest_id if is_latest else None,
        total.events,
        window.errors,
        from_us(window.watermark_us),
        1,
        "open",
    )

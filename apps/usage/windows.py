"""Windows: what events add up to, and the cutoffs that close them.

Processors share a subscription's cutoff row and closing takes it alone, so a window never changes, or appears,
inside what was closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from apps.usage.placement import Place, Placed

WINDOW: Final = timedelta(hours=1)
_HOUR_US: Final = 3_600_000_000
_CALLS_DELAY_US: Final = DEFAULT_WATERMARK_DELAY_S * SECOND_US
# The same arithmetic as `aggregation.merge`, so that the order in which processors come does not matter.
_ADD_TO_WINDOWS: Final = """
    INSERT INTO usage_usagewindow AS w (id, created_at, updated_at, consumer_organization_id,
        provider_organization_id, subscription_id, api_id, meter, dimensions, aggregation, window_start, window_end,
        quantity, value_sum, value_at, value_event_id, event_count, error_count, late_count, watermark_at, revision,
        status, closed_at)
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::uuid[], %s::uuid[],
        %s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::numeric[],
        %s::numeric[], %s::timestamptz[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[],
        %s::int[], %s::text[], %s::timestamptz[])
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
        late_count = w.late_count + EXCLUDED.late_count,
        status = CASE WHEN EXCLUDED.closed_at IS NULL THEN w.status ELSE EXCLUDED.status END,
        closed_at = COALESCE(w.closed_at, EXCLUDED.closed_at),
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


class WindowKey(NamedTuple):
    """What makes a window one. Processors lock windows in the order of their keys."""

    subscription_id: UUID
    meter: str
    window_us: int
    dimensions: str = ""


@dataclass(slots=True)
class WindowSums:
    """What events add to one window, and the real time from which on it is closed."""

    place: Place
    end_us: int
    watermark_us: int
    kind: Kind
    total: Total
    errors: int = 0


def gather_windows(
    placed: Sequence[Placed], gains: Sequence[Gain] = ()
) -> dict[WindowKey, WindowSums]:
    """Return what calls, and what other meters gain from the same events, add to which windows.

    Args:
        placed: new events; those that are no calls count for other meters only.
        gains: what meters beside `calls` take from them.
    """
    windows = _windows_of_calls(placed)
    if gains:
        windows.update(windows_of_gains(gains))
    return windows


def late_windows(windows: Mapping[WindowKey, WindowSums], arrived_us: int) -> set[WindowKey]:
    """Return which windows were closed when the events arrived (real time), whether a job has closed them or not."""
    return {key for key, window in windows.items() if window.watermark_us <= arrived_us}


def add_to_windows(
    windows: Mapping[WindowKey, WindowSums], late: Collection[WindowKey] = ()
) -> None:
    """Add to windows: one statement, in the order of their keys. Those that are `late` are closed and revised."""
    if not windows:
        return
    _count_new_values(windows)
    now = clock.now()
    rows = [
        _row(key, window, now, is_late=key in late)
        for key, window in sorted(windows.items(), key=_by_key)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TO_WINDOWS, [list(column) for column in zip(*rows, strict=True)])


def key_of_call(item: Placed) -> WindowKey:
    """Return the window of `calls` that an event belongs to."""
    return WindowKey(item.place.subscription_id, CALLS_METER, item.window_us)


def key_of_gain(gain: Gain) -> WindowKey:
    """Return the window of another meter that a gain belongs to."""
    return WindowKey(gain.place.subscription_id, gain.meter.key, gain.window_us, gain.dimensions)


def call_window(place: Place, window_us: int) -> WindowSums:
    """Return an hour of calls without any."""
    end_us = window_us + _HOUR_US
    closes_us = end_us - place.offset_us + _CALLS_DELAY_US
    return WindowSums(place, end_us, closes_us, Kind.COUNT, Total())


def _by_key(item: tuple[WindowKey, WindowSums]) -> WindowKey:
    return item[0]


def _windows_of_calls(placed: Sequence[Placed]) -> dict[WindowKey, WindowSums]:
    kinds = Counter(
        (item.place, item.window_us, item.is_billable, (item.event.status or 0) >= 400)
        for item in placed
        if item.is_call
    )
    windows: dict[WindowKey, WindowSums] = {}
    for (place, window_us, is_billable, is_error), count in kinds.items():
        key = WindowKey(place.subscription_id, CALLS_METER, window_us)
        window = windows.get(key)
        if window is None:
            window = windows[key] = call_window(place, window_us)
        window.total.events += count
        window.total.quantity += count * is_billable
        window.errors += count * is_error
    return windows


def windows_of_gains(gains: Sequence[Gain]) -> dict[WindowKey, WindowSums]:
    """Return what meters beside `calls` gain, by window."""
    windows: dict[WindowKey, WindowSums] = {}
    for gain in gains:
        meter, place = gain.meter, gain.place
        key = key_of_gain(gain)
        window = windows.get(key)
        if window is None:
            closes_us = gain.window_end_us - place.offset_us + meter.delay_us
            window = windows[key] = WindowSums(
                place, gain.window_end_us, closes_us, meter.kind, Total()
            )
        add(meter.kind, window.total, gain.reading, window_end=from_us(gain.window_end_us))
    return windows


def _count_new_values(windows: Mapping[WindowKey, WindowSums]) -> None:
    """Store the values that `unique` meters have not seen in their windows; only these add to them."""
    values = sorted(
        (key, value)
        for key, window in windows.items()
        if window.kind is Kind.UNIQUE
        for value in window.total.values
    )
    new = add_values(values)
    for key, _value in values:
        windows[key].total.quantity = Decimal(new[key])


def add_values(values: Iterable[tuple[WindowKey, bytes]]) -> Counter[WindowKey]:
    """Store values of windows of `unique` meters; return how many each window had not seen."""
    rows = [
        (key.subscription_id, key.meter, from_us(key.window_us), key.dimensions, value)
        for key, value in values
    ]
    if not rows:
        return Counter()
    with connection.cursor() as cursor:
        cursor.execute(_ADD_VALUES, [list(column) for column in zip(*rows, strict=True)])
        return Counter(
            WindowKey(subscription_id, meter, to_us(window_start), dimensions)
            for subscription_id, meter, window_start, dimensions in cursor.fetchall()
        )


def _row(key: WindowKey, window: WindowSums, now: datetime, *, is_late: bool) -> tuple[object, ...]:
    place, total = window.place, window.total
    late = int(total.quantity) if key.meter == CALLS_METER else total.events
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
        late if is_late else 0,
        from_us(window.watermark_us),
        1,
        "closed" if is_late else "open",
        now if is_late else None,
    )

"""Which events came behind their window's watermark, and what is kept of them.

An event is late when its batch reached the inbox after its window's watermark: how fast we process makes nothing late.

Source: docs/domain/metering.md §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from apps.core import clock
from apps.core.clock import Period
from apps.core.events import publish
from apps.core.ids import uuid7
from apps.subscriptions.calendar import period_at
from apps.subscriptions.models import Subscription
from apps.usage.enums import LateResolution
from apps.usage.events import LateUsageArrived
from apps.usage.instants import from_us, to_us
from apps.usage.metering import Gain
from apps.usage.placement import Placed
from apps.usage.windows import WindowKey, key_of_call, key_of_gain

# After an outage of a shipper whole batches are late: as few steps for a row as for a window.
_STORE: Final = """
    INSERT INTO usage_lateevent (created_at, updated_at, resolution, resolved_at, id, event_id,
        consumer_organization_id, subscription_id, meter, dimensions, occurred_at, window_start, period_start,
        period_end, quantity)
    SELECT %s, %s, %s, %s, late.* FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[],
        %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::numeric[]) AS late
"""


class Contribution(NamedTuple):
    """What an event adds to the quantity of one window."""

    key: WindowKey
    event_id: UUID
    consumer_id: UUID
    occurred_us: int
    quantity: Decimal


def contributions_of(placed: Iterable[Placed], gains: Iterable[Gain]) -> list[Contribution]:
    """Return what events add to windows: billed calls to `calls`, and what other meters gain.

    A value that is no number, of a meter that counts different ones, has the quantity 1.
    """
    found = [
        Contribution(
            key_of_call(item), item.event.id, item.place.consumer_id, item.occurred_us, Decimal(1)
        )
        for item in placed
        if item.is_billable and item.is_call
    ]
    for gain in gains:
        value = gain.reading.value
        found.append(
            Contribution(
                key_of_gain(gain),
                gain.reading.event_id,
                gain.place.consumer_id,
                to_us(gain.reading.at),
                value if isinstance(value, Decimal) else Decimal(1),
            )
        )
    return found


def note_revisions(contributions: Sequence[Contribution]) -> None:
    """Keep the late events by which windows were revised, in the same transaction."""
    _store(contributions, LateResolution.REVISED)


def note_behind(contributions: Sequence[Contribution]) -> None:
    """Keep late events of closed periods as open, and tell of each period that has become due for re-rating.

    Publishes: LateUsageArrived, for each subscription, meter and period.
    """
    periods = _store(contributions, LateResolution.OPEN)
    totals: dict[tuple[UUID, UUID, str, Period], tuple[int, Decimal]] = {}
    for item, period in zip(contributions, periods, strict=True):
        key = (item.key.subscription_id, item.consumer_id, item.key.meter, period)
        count, quantity = totals.get(key, (0, Decimal(0)))
        totals[key] = (count + 1, quantity + item.quantity)
    for (subscription_id, consumer_id, meter, period), (count, quantity) in totals.items():
        publish(
            LateUsageArrived(
                subscription_id=subscription_id,
                consumer_organization_id=consumer_id,
                meter=meter,
                period_start=period.start,
                period_end=period.end,
                event_count=count,
                quantity=quantity,
            ),
            key=str(subscription_id),
        )


def _store(contributions: Sequence[Contribution], resolution: LateResolution) -> list[Period]:
    """Store one row each; return the billing period of each."""
    ids = {item.key.subscription_id for item in contributions}
    subscriptions = Subscription.objects.select_related("price_version").in_bulk(ids)

    @cache
    def period_of(subscription_id: UUID, instant: datetime) -> Period:
        return period_at(subscriptions[subscription_id], instant)

    now = clock.now()
    resolved_at = now if resolution == LateResolution.REVISED else None
    rows: list[tuple[object, ...]] = []
    periods: list[Period] = []
    for item in contributions:
        key, start = item.key, from_us(item.key.window_us)
        period = period_of(key.subscription_id, start)
        periods.append(period)
        rows.append(
            (
                uuid7(),
                item.event_id,
                item.consumer_id,
                key.subscription_id,
                key.meter,
                key.dimensions,
                from_us(item.occurred_us),
                start,
                period.start,
                period.end,
                item.quantity,
            )
        )
    if rows:
        with connection.cursor() as cursor:
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(_STORE, [now, now, resolution.value, resolved_at, *columns])
    return periods

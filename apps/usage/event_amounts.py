"""The amounts of single events, for prices that charge each of them by itself.

They are read from stored events, and from archives, when a period is closed and when a line is proven; nothing is kept
beside windows. What a meter takes from an event is decided by the same code as when it came in, and an event counts for
the period whose windows hold it, so that the amounts add up to what windows say.

Source: docs/domain/metering.md §7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from apps.core.clock import Period
from apps.pricing.calculator import Dimensions
from apps.subscriptions.models import Subscription
from apps.usage.instants import to_us
from apps.usage.metering import compile_meter
from apps.usage.models import Meter
from apps.usage.recomputing import stored_gains
from apps.usage.selectors.period_quantities import dimensions_of

# A local day may have an hour more than its meter's window says.
_LONGER_DAY: Final = timedelta(hours=1)


class EventAmount(NamedTuple):
    """What one event adds to one meter, in the units that are priced."""

    meter: str
    dimensions: Dimensions
    amount: Decimal


def amounts_of_events(
    subscription: Subscription,
    period: Period,
    keys: Collection[str],
    *,
    known_at: datetime | None = None,
) -> Iterator[EventAmount]:
    """Yield what events of a period add to meters of a subscription's API, oldest first; at one instant, by event id.

    Two queries, and one of the events, which are read a few thousand at a time.

    Args:
        period: of business time, on window borders.
        known_at: leaves out events that came behind their period and were settled after this moment.

    Raises:
        ArchiveDamaged: the file of an archived month is missing or was changed.
    """
    meters = {
        row.key: row for row in Meter.objects.filter(api_id=subscription.api_id, key__in=keys)
    }
    if not meters:
        return
    longest = max(timedelta(seconds=row.window_s) for row in meters.values())
    read = Period(period.start, period.end + longest + _LONGER_DAY)
    first_us, after_us = to_us(period.start), to_us(period.end)
    read_dimensions = cache(dimensions_of)
    compiled = [compile_meter(row) for row in meters.values()]
    for gain in stored_gains(subscription, read, compiled, known_at=known_at):
        value = gain.reading.value
        if first_us <= gain.window_us < after_us and isinstance(value, Decimal):
            meter = meters[gain.meter.key]
            yield EventAmount(
                meter.key, read_dimensions(gain.dimensions), meter.priced_units(value)
            )

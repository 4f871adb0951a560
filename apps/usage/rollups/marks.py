"""Which hours changed: written beside the calls, read by the job that adds them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import connection

from apps.usage.instants import HOUR_US, from_us
from apps.usage.placement import Placed

_MARK: Final = "INSERT INTO usage_rollupmark (subscription_id, hour) SELECT * FROM unnest(%s::uuid[], %s::timestamptz[])"


def mark_hours(placed: Sequence[Placed]) -> None:
    """Note the hours of new calls, in the transaction that stores them.

    Always new rows: a row per hour would make processors wait for each other.
    """
    hours = {(item.place, item.occurred_us // HOUR_US) for item in placed}
    if not hours:
        return
    pairs = sorted({(place.subscription_id, hour) for place, hour in hours})
    with connection.cursor() as cursor:
        cursor.execute(
            _MARK,
            [[key for key, _hour in pairs], [from_us(hour * HOUR_US) for _key, hour in pairs]],
        )

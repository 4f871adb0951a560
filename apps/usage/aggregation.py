"""What readings add up to: the arithmetic of meters, without Django and without a clock.

A reading is one value at one instant. Readings add up to the total of a window, in any order and by any grouping, with
the same result; totals of windows add up to the quantity of a period. So a window is stored as a few numbers, and no
quantity depends on the order in which events came.

| kind | a window keeps | windows make a period by |
|---|---|---|
| count, sum | the sum | adding |
| max, min | the extreme | taking the extreme |
| avg | sum and number | dividing all sums by all numbers |
| latest | the latest value with its instant and event | taking the latest; at one instant, the greatest event id |
| unique | its values (a table of their own) | counting the different ones of all windows |
| time_weighted | the sum of the changes, and of each change times the seconds left in the window | weighing (`_weigh`) |

`latest` breaks ties by event id, hence is the same whatever came first. `time_weighted` is the average level over the
whole period of something that changes by each reading (+3 seats, -1 seat); a level is carried from period to period.
All is `Decimal`.

Source: docs/domain/meters.md §4; tests/vectors/aggregation.json.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from apps.core.clock import Period
from apps.core.money import DECIMAL_CONTEXT

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
# What the columns of a window hold. A quotient is cut there, in the database by the same rule (half away from zero).
PLACES: Final = Decimal("1e-12")
SECOND: Final = timedelta(seconds=1)
MICROSECONDS: Final = Decimal(1_000_000)
LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
NO_EVENT: Final = UUID(int=0)


class Kind(StrEnum):
    """How readings become one quantity. The same values as `enums.Aggregation`."""

    COUNT = "count"
    SUM = "sum"
    MAX = "max"
    MIN = "min"
    AVG = "avg"
    UNIQUE = "unique"
    LATEST = "latest"
    TIME_WEIGHTED = "time_weighted"


# Their values may be any text or number; the others take numbers.
TAKES_ANY_VALUE: Final = frozenset({Kind.COUNT, Kind.UNIQUE})
# Twice as long a period brings about twice as much, so that a quantity may be projected at its pace.
GROWS_WITH_TIME: Final = frozenset({Kind.COUNT, Kind.SUM})


class Reading(NamedTuple):
    """One value of one event. For `unique` the value is a text, and for `count` it is not looked at."""

    at: datetime
    value: Decimal | str
    event_id: UUID = NO_EVENT


@dataclass(slots=True)
class Total:
    """What the readings of one window add up to.

    Attributes:
        quantity: the aggregate of the window's own readings; for `time_weighted` unit-seconds, see `add`.
        events: how many readings.
        value_sum: their sum, where the aggregate is not enough to go on from: `avg` and `time_weighted`.
        latest_at, latest_id: of the reading that `latest` holds.
        values: the fingerprints of the values of `unique`.
    """

    quantity: Decimal = ZERO
    events: int = 0
    value_sum: Decimal = ZERO
    latest_at: datetime = LONG_AGO
    latest_id: UUID = NO_EVENT
    values: set[bytes] = field(default_factory=set)


def fingerprint(value: Decimal | str) -> bytes:
    """Return 16 bytes that stand for a value of a `unique` meter; the value itself is not kept."""
    return hashlib.blake2b(str(value).encode(), digest_size=16).digest()


def add(kind: Kind, total: Total, reading: Reading, *, window_end: datetime) -> None:
    """Add a reading to the total of its window.

    For `time_weighted`, a change that comes when `s` seconds of the window are left weighs `s` times itself.
    """
    merge(kind, total, _total_of_one(kind, reading, window_end))


def merge(kind: Kind, total: Total, other: Total) -> None:
    """Add a total of other readings of the same window. The database does the same (`apps.usage.windows`)."""
    if not other.events:
        return
    events = total.events + other.events
    with localcontext(DECIMAL_CONTEXT):
        total.value_sum += other.value_sum
        if kind is Kind.AVG:
            total.quantity = (total.value_sum / events).quantize(PLACES, ROUND_HALF_UP)
        elif kind is Kind.UNIQUE:
            total.values |= other.values
            total.quantity = Decimal(len(total.values))
        elif kind is Kind.LATEST:
            _keep_latest(total, other)
        elif kind in {Kind.MAX, Kind.MIN} and total.events:
            extreme = max if kind is Kind.MAX else min
            total.quantity = extreme(total.quantity, other.quantity)
        else:
            total.quantity += other.quantity
    total.events = events


def combine(
    kind: Kind,
    windows: Iterable[tuple[datetime, Total]],
    *,
    period: Period,
    carried: Decimal = ZERO,
) -> Decimal:
    """Return the quantity of a period from the totals of its windows.

    Args:
        windows: pairs of a window's end and its total.
        carried: for `time_weighted`, the level at the start of the period: the sum of all changes before it.
    """
    parts = [(end, total) for end, total in windows if total.events]
    if kind is Kind.TIME_WEIGHTED:
        return _weigh(parts, period, carried)
    whole = Total()
    for _end, total in parts:
        merge(kind, whole, total)
    return whole.quantity


def aggregate(
    kind: Kind, readings: Iterable[Reading], *, period: Period, carried: Decimal = ZERO
) -> Decimal:
    """Return the quantity of a period from its readings; those outside of it do not count."""
    total = Total()
    for reading in readings:
        if period.start <= reading.at < period.end:
            add(kind, total, reading, window_end=period.end)
    return combine(kind, [(period.end, total)], period=period, carried=carried)


def weighted_level(*, carried: Decimal, unit_seconds: Decimal, period: Period) -> Decimal:
    """Return the average level of a period: what was there at its start, and what changes added over time."""
    with localcontext(DECIMAL_CONTEXT):
        return (carried + unit_seconds / seconds_in(period.duration)).quantize(
            PLACES, ROUND_HALF_UP
        )


def seconds_in(span: timedelta) -> Decimal:
    """Return a span in seconds, exactly."""
    return Decimal(span // timedelta(microseconds=1)) / MICROSECONDS


def _total_of_one(kind: Kind, reading: Reading, window_end: datetime) -> Total:
    if kind is Kind.COUNT:
        return Total(ONE, 1)
    if kind is Kind.UNIQUE:
        return Total(ONE, 1, values={fingerprint(reading.value)})
    value = Decimal(reading.value)
    if kind is Kind.TIME_WEIGHTED:
        with localcontext(DECIMAL_CONTEXT):
            # Cut for each reading alone, so that the sum is the same in any order.
            weight = (value * seconds_in(window_end - reading.at)).quantize(PLACES, ROUND_HALF_UP)
        return Total(weight, 1, value)
    if kind is Kind.LATEST:
        return Total(value, 1, latest_at=reading.at, latest_id=reading.event_id)
    return Total(value, 1, value if kind is Kind.AVG else ZERO)


def _keep_latest(total: Total, other: Total) -> None:
    if not total.events or (other.latest_at, other.latest_id) > (total.latest_at, total.latest_id):
        total.quantity = other.quantity
        total.latest_at, total.latest_id = other.latest_at, other.latest_id


def _weigh(windows: Iterable[tuple[datetime, Total]], period: Period, carried: Decimal) -> Decimal:
    """Average a level: a window's changes last until the end of the period, not only of the window."""
    with localcontext(DECIMAL_CONTEXT):
        unit_seconds = sum(
            (
                total.quantity + total.value_sum * seconds_in(period.end - end)
                for end, total in windows
            ),
            ZERO,
        )
    return weighted_level(carried=carried, unit_seconds=unit_seconds, period=period)

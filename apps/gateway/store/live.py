"""The counters of consumers as they stand in Valkey this moment: quota counters and rate windows.

Read only, with plain GETs of the packed values, so that looking costs the store no function call.

Source: docs/architecture/gateway.md §4.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis import Redis

    from apps.gateway.entries import RateLimit

_PERIOD: Final = struct.Struct("<QQ")
_WINDOW: Final = struct.Struct("<IIII")


class Window(NamedTuple):
    """A stored window: its length in ms, its cell's number, calls in that cell and in the one before."""

    length_ms: int
    cell: int
    current: int
    previous: int


class Packed(NamedTuple):
    """A packed value: calls used by period start (ms), and the windows by their length (ms)."""

    periods: dict[int, int]
    windows: dict[int, Window]


class WindowStanding(NamedTuple):
    """A rate limit now. `remaining` is what a consumer would be told; resets in `reset_ms`."""

    limit: RateLimit
    used: int
    remaining: int
    reset_ms: int


EMPTY: Final = Packed({}, {})


def unpack(value: bytes | None) -> Packed:
    """Read a packed value: one byte (number of periods), the periods, the windows."""
    if not value:
        return EMPTY
    behind = 1 + value[0] * _PERIOD.size
    periods = dict(_PERIOD.iter_unpack(value[1:behind]))
    windows = (Window(*numbers) for numbers in _WINDOW.iter_unpack(value[behind:]))
    return Packed(periods, {window.length_ms: window for window in windows})


def read_packed(client: Redis, keys: Sequence[str]) -> tuple[int, list[Packed]]:
    """Return the store's time in ms and the values of keys (of any slots), in one round trip.

    Raises: redis.exceptions.RedisError.
    """
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    for key in keys:
        pipeline.get(key)
    (seconds, microseconds), *values = pipeline.execute()
    return int(seconds) * 1000 + int(microseconds) // 1000, [unpack(value) for value in values]


def stand(limits: Sequence[RateLimit], packed: Packed, now_ms: int) -> Iterator[WindowStanding]:
    """Tell how much of each limit is left: the sliding estimate that `tg1_take` decides by."""
    for limit in limits:
        length = limit.window_s * 1000
        cell, elapsed = divmod(now_ms, length)
        current, previous = _counts(packed.windows.get(length), cell)
        faded = -(-previous * (length - elapsed) // length)
        used = current + faded
        yield WindowStanding(limit, used, max(0, limit.max - used), length - elapsed)


def _counts(window: Window | None, cell: int) -> tuple[int, int]:
    if window is None or window.cell < cell - 1:
        return 0, 0
    if window.cell == cell - 1:
        return 0, window.current
    return window.current, window.previous

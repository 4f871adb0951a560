"""Counts in this process while Valkey is away: the same windows, by the same arithmetic as `windows.lua`.

Each process counts by itself, so several of them let through several times as much. That is meant for development, and
for a production that would rather limit roughly than not at all.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from apps.core import clock
from apps.core.limiter.windows import Counted, Window

MAX_SUBJECTS: Final = 50_000


@dataclass(slots=True)
class _Cell:
    number: int
    current: int
    previous: int


class MemoryCounter:
    """Windows by subject; the subjects seen longest ago are forgotten first."""

    def __init__(self, now_ms: Callable[[], int] | None = None) -> None:
        """Begin empty; `now_ms` is real time unless given."""
        self._now_ms = now_ms or _now_ms
        self._lock = threading.Lock()
        self._subjects: OrderedDict[str, dict[int, _Cell]] = OrderedDict()

    def take(self, subject: str, windows: Sequence[Window]) -> Counted:
        """Check and take every window, all or nothing."""
        now = self._now_ms()
        with self._lock:
            cells = self._subjects.setdefault(subject, {})
            self._subjects.move_to_end(subject)
            while len(self._subjects) > MAX_SUBJECTS:
                self._subjects.popitem(last=False)
            found = [_cell_at(cells, window, now) for window in windows]
            wait = max(
                _wait_ms(cell, window, now) for cell, window in zip(found, windows, strict=True)
            )
            if not wait:
                for cell in found:
                    cell.current += 1
        return _tightest(found, windows, now, wait)

    def clear(self) -> None:
        """Forget everything: Valkey counts again."""
        with self._lock:
            self._subjects.clear()


def _now_ms() -> int:
    return round(clock.now().timestamp() * 1000)


def _cell_at(cells: dict[int, _Cell], window: Window, now: int) -> _Cell:
    present = now // (window.seconds * 1000)
    cell = cells.setdefault(window.seconds, _Cell(present, 0, 0))
    if cell.number != present:
        previous = cell.current if cell.number == present - 1 else 0
        cell.number, cell.current, cell.previous = present, 0, previous
    return cell


def _wait_ms(cell: _Cell, window: Window, now: int) -> int:
    """Return how long until one more call fits, in ms; 0 when it fits now."""
    length = window.seconds * 1000
    elapsed = now % length
    if cell.previous * (length - elapsed) + (cell.current + 1) * length <= window.max * length:
        return 0
    if window.max < 1:
        return length
    if cell.current + 1 <= window.max:
        room = window.max - cell.current - 1
        return math.ceil(length - elapsed - room * length / cell.previous)
    return math.ceil(length - elapsed + length - (window.max - 1) * length / cell.current)


def _tightest(cells: Sequence[_Cell], windows: Sequence[Window], now: int, wait: int) -> Counted:
    rests = []
    for index, (cell, window) in enumerate(zip(cells, windows, strict=True)):
        length = window.seconds * 1000
        rest = length - now % length
        left = max(0, window.max - cell.current - math.ceil(cell.previous * rest / length))
        rests.append((left, index, rest))
    left, index, rest = min(rests, key=lambda item: item[0])
    return Counted(is_taken=not wait, wait_ms=wait, tightest=index, left=left, reset_ms=rest)

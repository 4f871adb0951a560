"""When an hour is unlike the same weekday and hour of the weeks before. Plain Python: no database, no clock.

The band around the median is a multiple of the spread: 1.4826 times the median absolute deviation, which for normal
noise is its standard deviation and which single odd weeks do not move. The spread is at least a tenth of the median,
the square root of it (calls that come by chance), and one call.

Source: docs/domain/alerts.md §2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from apps.usage.enums import AnomalyKind, Sensitivity

WEEKS: Final = 8
LEAST_WEEKS: Final = 4
HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(days=7)
NORMAL_SPREAD: Final = 1.4826
LEAST_CALLS: Final = 100
LEAST_CALLS_OF_RATE: Final = 50
LEAST_ERRORS: Final = 10
LEAST_RATE_STEP: Final = 10.0  # percentage points
FACTOR: Final = 2
SPREADS: Final = {Sensitivity.LOW: 8.0, Sensitivity.NORMAL: 5.0, Sensitivity.HIGH: 3.5}


@dataclass(frozen=True, slots=True)
class HourCount:
    """All calls of an hour, and the failed ones."""

    calls: int = 0
    errors: int = 0

    @property
    def error_percent(self) -> float:
        """Failed calls in percent; 0 without calls."""
        return 100 * self.errors / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Band:
    """What is expected of an hour."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """An hour that is out of its band."""

    kind: AnomalyKind
    observed: float
    band: Band


def past_hours(hour: datetime, timezone: str) -> list[list[datetime]]:
    """Return the same hour of the weeks before, newest first: by the local clock, and by UTC where that differs.

    After a change of the clocks nobody knows whether a client follows the local clock, so both have to be missed.
    """
    zone = ZoneInfo(timezone)
    local = hour.astimezone(zone)
    by_clock = [(local - WEEK * number).astimezone(UTC) for number in range(1, WEEKS + 1)]
    by_utc = [(hour - WEEK * number).astimezone(UTC) for number in range(1, WEEKS + 1)]
    return [by_clock] if by_clock == by_utc else [by_clock, by_utc]


def call_band(samples: Sequence[HourCount], spreads: float) -> Band:
    """Return how many calls are expected."""
    counts = [sample.calls for sample in samples]
    middle = float(median(counts))
    spread = max(_spread(counts, middle), middle / 10, sqrt(middle), 1.0)
    return Band(middle, max(0.0, middle - spreads * spread), middle + spreads * spread)


def error_band(samples: Sequence[HourCount], calls: int, spreads: float) -> Band:
    """Return how many percent of so many calls are expected to fail."""
    rates = [sample.error_percent for sample in samples if sample.calls]
    middle = float(median(rates)) if rates else 0.0
    chance = sqrt(middle * (100 - middle) / calls) if calls else 0.0
    spread = max(_spread(rates, middle), chance, 1.0)
    high = middle + max(spreads * spread, LEAST_RATE_STEP)
    return Band(middle, 0.0, min(100.0, high))


def judge(
    now: HourCount, alignments: Sequence[Sequence[HourCount]], sensitivity: str, *, is_whole: bool
) -> list[Finding]:
    """Return what is out of its band in an hour, in every alignment of the weeks before.

    Less than `LEAST_WEEKS` samples, or a sensitivity of `off`, find nothing. An hour that still runs (`is_whole` false)
    can be too much already, but not too little.
    """
    spreads = SPREADS.get(Sensitivity(sensitivity))
    if spreads is None or any(len(samples) < LEAST_WEEKS for samples in alignments):
        return []
    bands = [call_band(samples, spreads) for samples in alignments]
    rates = [error_band(samples, now.calls, spreads) for samples in alignments]
    return [*_calls_out(now, bands, is_whole=is_whole), *_errors_out(now, rates)]


def _calls_out(now: HourCount, bands: Sequence[Band], *, is_whole: bool) -> Iterator[Finding]:
    if now.calls >= LEAST_CALLS and all(
        now.calls > band.high and now.calls >= FACTOR * band.expected for band in bands
    ):
        yield Finding(AnomalyKind.SPIKE, now.calls, max(bands, key=lambda band: band.high))
    elif is_whole and all(
        band.expected >= LEAST_CALLS
        and now.calls < band.low
        and now.calls * FACTOR <= band.expected
        for band in bands
    ):
        yield Finding(AnomalyKind.DROP, now.calls, min(bands, key=lambda band: band.low))


def _errors_out(now: HourCount, bands: Sequence[Band]) -> Iterator[Finding]:
    has_volume = now.calls >= LEAST_CALLS_OF_RATE and now.errors >= LEAST_ERRORS
    if has_volume and all(now.error_percent > band.high for band in bands):
        yield Finding(AnomalyKind.ERRORS, now.error_percent, max(bands, key=lambda b: b.high))


def _spread(values: Iterable[float], middle: float) -> float:
    distances = [abs(value - middle) for value in values]
    return NORMAL_SPREAD * float(median(distances)) if distances else 0.0

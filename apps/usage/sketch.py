"""A mergeable sketch of latencies: counts in buckets of growing width, written as one number.

The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch", VLDB 2019): bucket `i` holds the milliseconds in
`(γ^(i-1), γ^i]`, so a value that is read back is at most `ACCURACY` away from the true one, whatever was merged before.

A sketch is stored as the integer Σ count_i · 10^(12·i). Adding two such numbers adds their buckets, so PostgreSQL's own
`SUM` merges sketches, at the speed of a long addition, and any GROUP BY gives percentiles. A bucket has room for 10^12 calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

ACCURACY: Final = 0.025
GAMMA: Final = (1 + ACCURACY) / (1 - ACCURACY)
LN_GAMMA: Final = math.log(GAMMA)
# The last bucket begins at 19 minutes and holds all that is longer: no call of the gateway takes that long.
LAST_BUCKET: Final = 280
DIGITS: Final = 12
# The bucket of a latency in SQL; `bucket_of` says the same.
BUCKET_SQL: Final = f"CASE WHEN latency_ms <= 1 THEN 0 ELSE LEAST(ceil(ln(latency_ms::float8) / {LN_GAMMA!r}), {LAST_BUCKET})::int END"
# One call in a bucket, as a number to sum up.
UNIT_SQL: Final = f"('1e' || {DIGITS} * bucket)::numeric"


def bucket_of(latency_ms: int) -> int:
    """Return the number of the bucket that holds a latency."""
    return 0 if latency_ms <= 1 else min(math.ceil(math.log(latency_ms) / LN_GAMMA), LAST_BUCKET)


@dataclass(frozen=True, slots=True)
class Sketch:
    """Latencies of calls. `packed` is the number described above."""

    packed: int = 0

    def __add__(self, other: Sketch) -> Sketch:
        return Sketch(self.packed + other.packed)

    @classmethod
    def of(cls, latencies_ms: list[int]) -> Sketch:
        """Return the sketch of some latencies."""
        return cls(sum(10 ** (DIGITS * bucket_of(latency)) for latency in latencies_ms))

    def quantiles(self, *shares: float) -> tuple[int | None, ...]:
        """Return the latency in milliseconds below which each share of the calls lies; None without calls.

        The nearest rank's value, at most `ACCURACY` of it away.
        """
        buckets = self._buckets()
        total = sum(count for _bucket, count in buckets)
        if not total:
            return (None,) * len(shares)
        return tuple(_value_at(buckets, max(1, math.ceil(share * total))) for share in shares)

    def _buckets(self) -> list[tuple[int, int]]:
        """Return number and count of the buckets that hold calls, the shortest latencies first."""
        text = str(self.packed)
        pieces = (text[max(0, end - DIGITS) : end] for end in range(len(text), 0, -DIGITS))
        counts = ((bucket, int(piece)) for bucket, piece in enumerate(pieces))
        return [(bucket, count) for bucket, count in counts if count]


def _value_at(buckets: list[tuple[int, int]], rank: int) -> int:
    for bucket, count in buckets:
        rank -= count
        if rank <= 0:
            return _middle_of(bucket)
    return _middle_of(buckets[-1][0])


def _middle_of(bucket: int) -> int:
    """Return the value that is within the accuracy of everything in a bucket."""
    return 1 if bucket == 0 else round(2 * GAMMA**bucket / (GAMMA + 1))

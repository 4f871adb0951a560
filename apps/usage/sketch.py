"""A mergeable sketch of latencies: counts in buckets of growing width, written as one number.

The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch", VLDB 2019): bucket `i` holds the milliseconds in
`(γ^(i-1), γ^i]`, so a value that is read back is at most `ACCURACY` away from the true one, whatever was merged before.

A sketch is stored as the integer Σ count_i · 10^(12·i). Adding two such numbers adds their buckets, so PostgreSQL's own
`SUM` merges sketches, at the speed of a long addition, and any GROUP BY gives percentiles. A bucket has room for 10^12 calls.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from functools import cache
from itertools import accumulate
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


class Sketch:
    """Latencies of calls. `digits` is the number described above as PostgreSQL writes it.

    A page reads hundreds of them, most of which are only added or only looked at. A number of two thousand digits takes
    longer to convert than to use, so each form is made when it is needed.
    """

    __slots__ = ("_digits", "_packed")

    def __init__(self, packed: int | None = 0, digits: str = "") -> None:
        """Take the number in either form."""
        self._packed = packed
        self._digits = digits

    @classmethod
    def read(cls, digits: str) -> Sketch:
        """Return the sketch that is written so."""
        return cls(None, digits)

    @classmethod
    def of(cls, latencies_ms: list[int]) -> Sketch:
        """Return the sketch of some latencies."""
        return cls(sum(10 ** (DIGITS * bucket_of(latency)) for latency in latencies_ms))

    @property
    def packed(self) -> int:
        """The number."""
        if self._packed is None:
            self._packed = int(self._digits)
        return self._packed

    @property
    def digits(self) -> str:
        """The number as text."""
        if not self._digits:
            self._digits = str(self.packed)
        return self._digits

    def __add__(self, other: Sketch) -> Sketch:
        return Sketch(self.packed + other.packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.packed == other.packed

    def __hash__(self) -> int:
        return hash(self.packed)

    def __repr__(self) -> str:
        return f"Sketch({self.packed})"

    def quantiles(self, *shares: float) -> tuple[int | None, ...]:
        """Return the latency in milliseconds below which each share of the calls lies; None without calls.

        The nearest rank's value, at most `ACCURACY` of it away.
        """
        below = self._calls_up_to()
        total = below[-1]
        if not total:
            return (None,) * len(shares)
        ranks = (max(1, math.ceil(share * total)) for share in shares)
        return tuple(_middle_of(bisect_left(below, rank)) for rank in ranks)

    def _calls_up_to(self) -> list[int]:
        """Return for each bucket how many calls it and those before it hold."""
        size = -(-len(self.digits) // DIGITS)
        pieces = struct.unpack(f"{DIGITS}s" * size, self.digits.zfill(DIGITS * size).encode())
        return list(accumulate(map(int, reversed(pieces))))


@cache
def _middle_of(bucket: int) -> int:
    """Return the value that is within the accuracy of everything in a bucket."""
    return 1 if bucket == 0 else round(2 * GAMMA**bucket / (GAMMA + 1))

"""The right to serve: it ends by itself when the registry cannot be confirmed."""

from __future__ import annotations

import time
from typing import Final

LEASE_S: Final = 5.0


def boot_seconds() -> float:
    """Return a clock that also runs while the machine sleeps, so a woken node knows its lease is over."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """Valid for five seconds from the moment *before* the head was asked for."""

    def __init__(self) -> None:
        """Begin without a right to serve."""
        self._ends_at = 0.0

    def renew(self, asked_at: float) -> None:
        """Extend the lease from the moment at which the confirming question was sent."""
        self._ends_at = max(self._ends_at, asked_at + LEASE_S)

    @property
    def is_valid(self) -> bool:
        """Tell whether the node may serve now."""
        return boot_seconds() < self._ends_at

    @property
    def seconds_left(self) -> float:
        """Return how long the node may still serve."""
        return max(0.0, self._ends_at - boot_seconds())

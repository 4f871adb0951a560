"""Event ids: UUIDv7 as text, made several times faster than through `uuid.UUID`.

The decision path makes one per call; it needs the text only.
"""

from __future__ import annotations

import os
from typing import Final

_POOL_BYTES: Final = 4096
# Bits after the millisecond: 4 of version, 12 random, 2 of variant, 62 random.
_RANDOM_BYTES: Final = 10
_VARIANT: Final = 0x8000_0000_0000_0000
_VARIANT_MASK: Final = 0x3FFF_FFFF_FFFF_FFFF


class EventIds:
    """Mints ids of one process from a pool of the system's randomness."""

    def __init__(self) -> None:
        """Begin with an empty pool."""
        self._pool = b""
        self._position = 0

    def mint(self, now_ms: int) -> str:
        """Return a new id that carries a time (Unix milliseconds)."""
        position = self._position
        if position + _RANDOM_BYTES > len(self._pool):
            self._pool, position = os.urandom(_POOL_BYTES), 0
        self._position = position + _RANDOM_BYTES
        random_bits = int.from_bytes(self._pool[position : self._position], "big")
        high, low = random_bits >> 68, (random_bits & _VARIANT_MASK) | _VARIANT
        digits = f"{now_ms:012x}7{high:03x}{low:016x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

"""Identifiers: UUIDv7 primary keys, and public ids that name their type.

A row's primary key is a UUIDv7 (time-ordered, so inserts stay at the right edge of the index). Its
public id is the same number written as `<prefix>_<26 Crockford base32 characters>`: nobody has to look
it up, and an id pasted into the wrong field is refused by its prefix.

Source: docs/adr/0004-ids.md; RFC 9562 §5.7.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Final
from uuid import UUID

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
ENCODED_LENGTH: Final = 26
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}

_lock = threading.Lock()
_last_ms = 0
_counter = 0


class InvalidPublicIdError(ValueError):
    """The text is not a public id of the wanted kind."""


def uuid7() -> UUID:
    """Return a new UUIDv7; ids made in one process are strictly increasing.

    The 12 bits after the millisecond count up within it (RFC 9562 §6.2, method 1), so rows that one
    process makes in the same millisecond keep their order.
    """
    global _last_ms, _counter  # noqa: PLW0603 -- the generator's state, guarded by the lock
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, int.from_bytes(os.urandom(2), "big") & 0x3FF
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms, _counter = _last_ms + 1, 0
        now_ms, counter = _last_ms, _counter
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return UUID(int=now_ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random_bits)


def format_public_id(prefix: str, value: UUID) -> str:
    """Write a UUID as a public id, for example `inv_06f8…`."""
    number, characters = value.int, []
    for _ in range(ENCODED_LENGTH):
        number, digit = divmod(number, 32)
        characters.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(characters))}"


def parse_public_id(prefix: str, text: str) -> UUID:
    """Read a public id back.

    Raises:
        InvalidPublicIdError: wrong prefix, length, character or range.
    """
    head, separator, body = text.rpartition("_")
    if not separator or head != prefix or len(body) != ENCODED_LENGTH:
        msg = f"not an id that starts with {prefix}_"
        raise InvalidPublicIdError(msg)
    number = 0
    for character in body.lower():
        if character not in _VALUES:
            msg = f"not an id that starts with {prefix}_"
            raise InvalidPublicIdError(msg)
        number = number * 32 + _VALUES[character]
    if number >> 128:
        msg = f"not an id that starts with {prefix}_"
        raise InvalidPublicIdError(msg)
    return UUID(int=number)

"""The text of an API key: how it is made, checked and turned into the digest that is stored.

Plain Python without Django, because both sides of a key use it: the web application issues keys, the
authorizer recognises them. A key reads `tgk_live_<32 base62>_<6 base62 checksum>`; the checksum lets
anyone refuse a mistyped or invented key without asking a store.

Source: docs/domain/keys.md.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final, Literal
from zlib import crc32

Environment = Literal["live", "test"]

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BRAND: Final = "tgk"
RANDOM_CHARS: Final = 32  # 190 bits
CHECKSUM_CHARS: Final = 6
SHOWN_RANDOM_CHARS: Final = 4
PREFIX_CHARS: Final = len(f"{BRAND}_live_") + SHOWN_RANDOM_CHARS
LAST_CHARS: Final = 4
# Both environments' names have four letters.
KEY_CHARS: Final = len(f"{BRAND}_live_") + RANDOM_CHARS + 1 + CHECKSUM_CHARS

FORMAT: Final = re.compile(
    rf"{BRAND}_(?:live|test)_[0-9A-Za-z]{{{RANDOM_CHARS}}}_[0-9A-Za-z]{{{CHECKSUM_CHARS}}}",
    re.ASCII,
)


def generate_key(environment: Environment) -> str:
    """Return a new key with its checksum; the random part comes from the system's secure source."""
    random_part = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARS))
    body = f"{BRAND}_{environment}_{random_part}"
    return f"{body}_{checksum(body)}"


def checksum(body: str) -> str:
    """Return the six base62 characters that protect the rest of a key against typing errors."""
    number, characters = crc32(body.encode("ascii")), []
    for _ in range(CHECKSUM_CHARS):
        number, digit = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))


def is_well_formed(text: str) -> bool:
    """Tell whether we could have issued this key: its format is ours and its checksum holds."""
    if FORMAT.fullmatch(text) is None:
        return False
    body, _, written = text.rpartition("_")
    return written == checksum(body)


def digest_of(key: str, pepper: bytes) -> str:
    """Return the digest under which a key is stored and looked up: HMAC-SHA-256 in hex."""
    return hmac.digest(pepper, key.encode("ascii"), "sha256").hex()


def shown_prefix(key: str) -> str:
    """Return the part of a key that lists show at its beginning, for example `tgk_live_Ab3d`."""
    return key[:PREFIX_CHARS]


def shown_end(key: str) -> str:
    """Return the part of a key that lists show at its end."""
    return key[-LAST_CHARS:]

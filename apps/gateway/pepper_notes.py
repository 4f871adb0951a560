"""What an authorizer tells of keys that it found by an older pepper: their digest under the newest one.

Signed with the secret that authorizers and web share, because a digest is what a key is recognised by: whoever can
merely write to Valkey must not put another one in its place. Plain Python without Django.

Source: docs/domain/keys.md.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

# As many keys wait at most, in Valkey; the others are told of when they are used again.
MAX_WAITING: Final = 10_000
_NOTE: Final = re.compile(r"([0-9]{1,5}):([0-9a-f]{64}):([0-9a-f]{64})")


class PepperNote(NamedTuple):
    """A key's digest under a pepper."""

    pepper_number: int
    digest: str


def write_notes(digests: Mapping[str, str], *, pepper_number: int, secret: bytes) -> dict[str, str]:
    """Return for each key id what stands in Valkey."""
    return {
        key_id: f"{pepper_number}:{digest}:{_sign(key_id, pepper_number, digest, secret)}"
        for key_id, digest in digests.items()
    }


def read_note(key_id: str, text: str, *, secret: bytes) -> PepperNote | None:
    """Return what an authorizer told of a key; None when no authorizer can have written it."""
    found = _NOTE.fullmatch(text)
    if found is None:
        return None
    note = PepperNote(int(found[1]), found[2])
    is_ours = hmac.compare_digest(found[3], _sign(key_id, *note, secret))
    return note if is_ours else None


def _sign(key_id: str, pepper_number: int, digest: str, secret: bytes) -> str:
    text = f"pepper-note:{key_id}:{pepper_number}:{digest}"
    return hmac.digest(secret, text.encode(), "sha256").hex()

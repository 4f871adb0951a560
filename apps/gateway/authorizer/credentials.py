"""Reads the consumer's credential from the headers and turns it into the digest that the registry knows.

Nothing here asks a store: a mistyped or invented key costs a checksum.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Headers(Protocol):
        """The part of the server's header map that is used here."""

        def get(self, key: str, default: str | None = None) -> str | None:
            """Return the first value."""

        def get_all(self, key: str) -> Sequence[str]:
            """Return every value, in order."""


ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_HEADERS: Final = ("x-subscription-key", "x-api-key")
_CHECKSUM_CHARS: Final = 6
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_FORMAT: Final = re.compile(r"tgk_(?:live|test)_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}", re.ASCII)
_BEARER: Final = "bearer "


class CredentialMissingError(Exception):
    """The call carries no key."""


class CredentialAmbiguousError(Exception):
    """The call carries more than one key, or one header twice."""


class CredentialMalformedError(Exception):
    """The key is not one that we could have issued."""


def read_credential(headers: Headers) -> str:
    """Return the key that a call carries.

    Raises: CredentialMissingError, CredentialAmbiguousError.
    """
    found = [value for name in KEY_HEADERS for value in headers.get_all(name)]
    for value in headers.get_all("authorization"):
        if value[: len(_BEARER)].lower() == _BEARER:
            found.append(value[len(_BEARER) :].strip())
    if not found:
        raise CredentialMissingError
    if len(found) > 1:
        raise CredentialAmbiguousError
    return found[0]


def digest_candidates(key: str, peppers: Sequence[bytes]) -> list[str]:
    """Return the digests that the registry may know a key by, one per pepper, newest pepper first.

    Raises: CredentialMalformedError when format or checksum is wrong.
    """
    if _FORMAT.fullmatch(key) is None or not _checksum_holds(key):
        raise CredentialMalformedError
    secret = key.encode("ascii")
    return [hmac.digest(pepper, secret, "sha256").hex() for pepper in peppers]


def checksum(text: str) -> str:
    """Return the six base62 characters that protect a key against typing errors."""
    number, characters = crc32(text.encode("ascii")), []
    for _ in range(_CHECKSUM_CHARS):
        number, digit = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))


def _checksum_holds(key: str) -> bool:
    body, _, written = key.rpartition("_")
    number = 0
    for character in written:
        number = number * len(ALPHABET) + _VALUES[character]
    return number == crc32(body.encode("ascii"))

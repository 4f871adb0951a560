"""Reads the consumer's credential from the headers and turns it into the digest that the registry knows.

Nothing here asks a store: a mistyped or invented key costs a digest and a look into memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apps.keys.credential import KEY_CHARS, digest_of, is_well_formed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Protocol

    class Headers(Protocol):
        """The part of the server's header map that is used here."""

        def get(self, key: str, default: str | None = None) -> str | None:
            """Return the first value."""

        def get_all(self, key: str) -> Sequence[str]:
            """Return every value, in order."""


KEY_HEADERS: Final = ("x-subscription-key", "x-api-key")
_BEARER: Final = "bearer "


class CredentialMissingError(Exception):
    """The call carries no key."""


class CredentialAmbiguousError(Exception):
    """The call carries more than one key, or one header twice."""


def read_credential(headers: Headers) -> str:
    """Return the key that a call carries.

    Raises: CredentialMissingError, CredentialAmbiguousError.
    """
    found: list[str] = []
    for name in KEY_HEADERS:
        found += headers.get_all(name)
    for value in headers.get_all("authorization"):
        if value[: len(_BEARER)].lower() == _BEARER:
            found.append(value[len(_BEARER) :].strip())
    if not found:
        raise CredentialMissingError
    if len(found) > 1:
        raise CredentialAmbiguousError
    return found[0]


def digest_candidates(key: str, peppers: Sequence[bytes]) -> Iterator[str]:
    """Return, one after the other, the digests that the registry may know a key by, one per pepper, newest pepper first.

    A text that cannot be a key has none. A key that the registry knows has its format and its checksum, so these are
    looked at only when the newest pepper did not find it.
    """
    if len(key) != KEY_CHARS or not key.isascii():
        return
    newest, *older = peppers
    yield digest_of(key, newest)
    if older and is_well_formed(key):
        for pepper in older:
            yield digest_of(key, pepper)

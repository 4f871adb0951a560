"""One number for a whole registry: equal registries have equal digests, in whatever order they were filled.

An authorizer keeps it up to date with each change of its tables and reports it; reconciliation computes the same
over what is wanted. It finds what went wrong by accident; it is no defence against somebody who forges entries.
Source: docs/architecture/gateway.md §3.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from apps.gateway.entries import encode_entry, split_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.gateway.entries import Entry

_MASK: Final = (1 << 64) - 1


def number_of(field: str, entry: Entry) -> int:
    """Return what an entry under its field (`<kind>:<id>`) adds to a digest: 64 bits."""
    text = field.encode() + b"\0" + encode_entry(entry)
    return int.from_bytes(blake2b(text, digest_size=8).digest())


class Digest:
    """The sum of the numbers of all entries, modulo 2**64."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        """Begin as the digest of nothing."""
        self._sum = 0

    def replace(self, field: str, old: Entry | None, new: Entry | None) -> None:
        """Follow one change; None stands for an absent entry."""
        if old is not None:
            self._sum -= number_of(field, old)
        if new is not None:
            self._sum += number_of(field, new)
        self._sum &= _MASK

    @property
    def text(self) -> str:
        """Return the digest as 16 hexadecimal digits."""
        return f"{self._sum:016x}"


def digest_of(entries: Mapping[str, Entry]) -> str:
    """Return the digest of entries by field."""
    digest = Digest()
    for field, entry in entries.items():
        digest.replace(field, None, entry)
    return digest.text


def counts_of(entries: Mapping[str, Entry]) -> dict[str, int]:
    """Return how many entries there are of each kind."""
    return dict(Counter(split_field(field)[0] for field in entries))

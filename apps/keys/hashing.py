"""Peppers of the installation: which secret digests which key."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings

from apps.keys.credential import digest_of, is_well_formed


class PepperedDigest(NamedTuple):
    """A digest and the number of the pepper that made it."""

    digest: str
    pepper_number: int


def current_digest(key: str) -> PepperedDigest:
    """Return the digest of a new key, made with the newest pepper (the highest number)."""
    number = max(settings.KEY_PEPPERS)
    return PepperedDigest(digest_of(key, settings.KEY_PEPPERS[number].encode()), number)


def possible_digests(key: str) -> list[str]:
    """Return the digests that a key may be stored under, newest pepper first; none for a malformed key."""
    if not is_well_formed(key):
        return []
    peppers = [pepper for _, pepper in sorted(settings.KEY_PEPPERS.items(), reverse=True)]
    return [digest_of(key, pepper.encode()) for pepper in peppers]

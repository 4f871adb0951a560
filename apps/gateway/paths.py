"""Paths of calls: which are refused, and which API one names. Shared by the proxies' configurations and the authorizer.

Plain Python and patterns that Go's and Python's `re` read alike. Source: docs/architecture/gateway.md §1.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

# On the decoded path, with repeated slashes merged.
# Each character decides alone how to go on, so Go needs no second look at any: it reads such a pattern several times faster.
SLUG_PATTERN: Final = "^/([a-z0-9]+(?:-+[a-z0-9]+)*)(?:/|$)"
# A path is refused when its decoded, cleaned form (which the slug is captured from) and its raw form
# (which is forwarded) could name different things: dot segments in any spelling, an encoded slash in the
# first segment, backslashes; and when it holds control characters, which no header may carry.
UNSAFE_PATH_PATTERN: Final = (
    r"(?i)^(?:[a-z]+://[^/?]*)?"
    r"(?:[^?]*(?:/|%2f)(?:\.|%2e){1,2}(?:/|%2f|\?|$)|/*[^/?]*%2f|[^?]*(?:%[01][0-9a-f]|%7f|\\|%5c))"
)
# What every unsafe path has, and few others: a dot, a percent sign or a backslash. Cheap to look for, so that is done first.
SUSPECT_PATH_PATTERN: Final = r"^[^?.%\\]*[.%\\]"
# Stands for a path that is no text. No path begins like this, so no template of an endpoint matches it.
UNREADABLE: Final = "\ufffd"

_slug: Final = re.compile(SLUG_PATTERN)
_unsafe: Final = re.compile(UNSAFE_PATH_PATTERN)
_authority: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
_broken_escape: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# A fragment has no place in a target: some cut it off, some forward it.
_foreign: Final = re.compile(r"[\x00-\x20\x7f#]")
_leading_slashes: Final = re.compile("^/+")


class UnsafePathError(ValueError):
    """A target that two programs could read differently."""


class Target(NamedTuple):
    """What a raw request target names: an API (empty when none), and the decoded path below it."""

    slug: str
    path: str


def read_target(uri: str) -> Target:
    """Read a raw request target as the proxy does: decoded, with slashes merged before the slug.

    Raises: UnsafePathError when the proxy would refuse it, or when it is no target at all.
    """
    raw = uri[authority.end() :] if (authority := _authority.match(uri)) else uri
    raw = raw.partition("?")[0]
    is_target = raw.startswith("/") and not _broken_escape.search(raw) and not _foreign.search(raw)
    if not is_target or _unsafe.match(uri):
        raise UnsafePathError
    decoded = unquote_to_bytes(_leading_slashes.sub("/", raw)).decode(errors="surrogateescape")
    named = _slug.match(decoded)
    if named is None:
        return Target("", "/")
    below = decoded[named.end(1) :] or "/"
    return Target(named[1], below if below.isprintable() or _is_text(below) else UNREADABLE)


def _is_text(decoded: str) -> bool:
    """Tell whether the bytes were UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in decoded)

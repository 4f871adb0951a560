"""The headers of a request, as the authorizer's listener read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_WRITTEN: Final = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Host",
    "Origin",
    "Referer",
    "User-Agent",
    "X-Api-Key",
    "X-Forwarded-For",
    "X-Forwarded-Method",
    "X-Forwarded-Proto",
    "X-Forwarded-Uri",
    "X-Original-Method",
    "X-Original-Uri",
    "X-Subscription-Key",
    "X-Tollgate-Client-Ip",
    "X-Tollgate-Method",
    "X-Tollgate-Path",
    "X-Tollgate-Request-Id",
    "X-Tollgate-Secret",
    "X-Tollgate-Slug",
    "X-Tollgate-Target",
)
# What most requests have, as proxies write it: such a name need not be read again each time. Other names are as welcome.
USUAL_NAMES: Final = {
    name.encode(): name.lower() for written in _WRITTEN for name in (written, written.lower())
}


class Headers:
    """The headers of a request by lower-case name. A value that is not text counts as absent.

    Values are kept as they came, and are read as text when somebody asks: most of a caller's headers nobody asks for.
    """

    __slots__ = ("_more", "first")

    def __init__(self) -> None:
        """Begin empty."""
        # The first value of each name.
        self.first: dict[str, bytes] = {}
        self._more: dict[str, list[bytes]] | None = None

    def add(self, key: str, value: bytes) -> None:
        """Add one header."""
        if key not in self.first:
            self.first[key] = value
        else:
            self._more = self._more or {}
            self._more.setdefault(key, [self.first[key]]).append(value)

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the first value."""
        value = self.first.get(key)
        if value is None:
            return default
        try:
            return value.decode()
        except UnicodeDecodeError:
            return next(iter(self.get_all(key)), default)

    def get_all(self, key: str) -> Sequence[str]:
        """Return every value, in order."""
        value = self.first.get(key)
        if value is None:
            return ()
        if self._more is None or key not in self._more:
            text = _read_text(value)
            return () if text is None else (text,)
        return [text for text in map(_read_text, self._more[key]) if text is not None]


def _read_text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None

"""The text of function libraries that count windows. Plain Python: the gateway's data plane reads it too."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


def with_windows(library: str) -> str:
    """Return a library's text with the shared window functions behind its first line, which names it."""
    name, _, body = library.partition("\n")
    windows = (_FOLDER / "windows.lua").read_text(encoding="utf-8")
    return f"{name}\n{windows}\n{body}"


@cache
def limiter_library() -> str:
    """Return the library of the platform's own limits."""
    return with_windows((_FOLDER / "limiter.lua").read_text(encoding="utf-8"))

"""Loads and calls the gateway's function library in Valkey (synchronous client)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import ResponseError

from apps.core.limiter.library import with_windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

LIBRARY: Final = "tollgate_v1"
_SOURCE = Path(__file__).parent / "tollgate.lua"


@cache
def library_source() -> str:
    """Return the text of the library, with the window functions that it shares with the platform's limits."""
    return with_windows(_SOURCE.read_text(encoding="utf-8"))


@cache
def function_names() -> frozenset[str]:
    """Return the names that the library registers."""
    return frozenset(re.findall(r"register_function\('(\w+)'", library_source()))


def is_function_missing(error: ResponseError) -> bool:
    """Tell whether the server answered that it does not know our function: it is new or was emptied."""
    return "function not found" in str(error).lower()


def call_function(
    client: Redis, name: str, keys: Sequence[str], arguments: Sequence[Any] = ()
) -> Any:
    """Call a function of the library, loading the library first where it is missing.

    Raises: redis.exceptions.RedisError when the store cannot answer.
    """
    try:
        return client.fcall(name, len(keys), *keys, *arguments)
    except ResponseError as error:
        if not is_function_missing(error):
            raise
    client.function_load(library_source(), replace=True)
    return client.fcall(name, len(keys), *keys, *arguments)

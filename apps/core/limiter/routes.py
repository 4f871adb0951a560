"""The names of the platform's own API routes, as the table of limits uses them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import URLPattern, get_resolver


@cache
def route_names() -> frozenset[str]:
    """Return the name of every route, with its namespace."""
    return frozenset(_names(get_resolver().url_patterns, ""))


def _names(patterns: list[Any], namespace: str) -> Iterator[str]:
    for item in patterns:
        if isinstance(item, URLPattern):
            if item.name:
                yield f"{namespace}{item.name}"
        else:
            inner = f"{namespace}{item.namespace}:" if item.namespace else namespace
            yield from _names(item.url_patterns, inner)

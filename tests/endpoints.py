"""Every REST endpoint that the URLconf routes, for tests that walk them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver

API_PREFIX = "/api/"
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_SAMPLES = {"int": "1", "uuid": str(UUID(int=7)), "path": "some/path"}


@dataclass(frozen=True, slots=True)
class Route:
    """A route with its view: a class for REST views, a function for the few plain ones."""

    template: str
    pattern: str
    name: str
    view: Any

    @property
    def view_class(self) -> Any:
        """The class behind the view function, or None."""
        return getattr(self.view, "cls", getattr(self.view, "view_class", None))

    @property
    def methods(self) -> list[str]:
        """The methods that the view handles, without HEAD and OPTIONS."""
        if self.view_class is None:
            return ["GET"]
        names = ("get", "post", "put", "patch", "delete")
        return [name.upper() for name in names if hasattr(self.view_class, name)]

    def url(self, **values: str) -> str:
        """Return a path with the given parameters; samples stand for the others."""

        def fill(match: re.Match[str]) -> str:
            converter, name = match.groups()
            return values.get(name) or _SAMPLES.get(converter or "str", "unknown")

        return _PARAMETER.sub(fill, self.pattern)


def all_routes() -> Iterator[Route]:
    """Yield every route of the product."""
    yield from _walk(get_resolver().url_patterns, "/")


def api_routes() -> list[Route]:
    """Return the routes below `/api/`."""
    return [route for route in all_routes() if route.pattern.startswith(API_PREFIX)]


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for item in patterns:
        path = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from _walk(item.url_patterns, path)
        else:
            template = _PARAMETER.sub(r"{\2}", path)
            yield Route(template, path, item.name or "", item.callback)

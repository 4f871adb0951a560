"""Places in a page that another part of the product fills.

The page of an API has areas for plans and for reviews. Whoever can show them registers a fragment and what fills it;
until then the area is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.apis.models import Api
from apps.core.actors import Actor

ContextOf = Callable[[Api, Actor], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Panel:
    """A fragment with its context, ready to be included."""

    template: str
    context: dict[str, Any]


_plans: list[tuple[str, ContextOf]] = []
_reviews: list[tuple[str, ContextOf]] = []


def fill_plans_panel(template: str, context_of: ContextOf) -> None:
    """Fill the plans area of API pages: `fill_plans_panel("pricing/_plans.html", plans_context)`.

    The fragment is a whole section with the id `plans`; it finds what `context_of` returns in the page's own context.
    """
    _plans[:] = [(template, context_of)]


def plans_panel(api: Api, actor: Actor) -> Panel | None:
    """Return the plans area of an API's page, if somebody fills it."""
    for template, context_of in _plans:
        return Panel(template, context_of(api, actor))
    return None


def fill_reviews_panel(template: str, context_of: ContextOf) -> None:
    """Fill the reviews area of API pages; the fragment is a whole section with the id `reviews`."""
    _reviews[:] = [(template, context_of)]


def reviews_panel(api: Api, actor: Actor) -> Panel | None:
    """Return the reviews area of an API's page, if somebody fills it."""
    for template, context_of in _reviews:
        return Panel(template, context_of(api, actor))
    return None

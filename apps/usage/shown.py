"""The period and the filters in a page's address. A link with what makes no sense shows the page without it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput
from apps.usage import selectors
from apps.usage.chosen_period import CUSTOM, ChosenPeriod, HasLocalTime, choose_period
from apps.usage.enums import AnalyticsSide
from apps.usage.selectors import Chosen


def shown_period(request: HttpRequest, whose: HasLocalTime) -> tuple[ChosenPeriod, dict[str, Any]]:
    """Return the period of the address, and for the page whether it asks for own days and why others are shown."""
    query = request.GET
    is_custom = query.get("period") == CUSTOM
    try:
        chosen = choose_period(
            whose,
            key=query.get("period", ""),
            first=query.get("from", ""),
            last=query.get("to", ""),
        )
    except InvalidInput as error:
        # Who asks for own days without saying which gets the form.
        is_wrong = is_custom and bool(query.get("from") or query.get("to"))
        refusal = str(error.detail) if is_wrong else ""
        return choose_period(whose), {"is_custom": is_custom, "refusal": refusal}
    return chosen, {"is_custom": is_custom, "refusal": ""}


def shown_filters(request: HttpRequest, actor: Actor, side: AnalyticsSide) -> list[Chosen]:
    """Return the filters of the address that make sense.

    Raises:
        NotFound: one names what the actor has nothing to do with.
    """
    found: list[Chosen] = []
    for name, text in request.GET.dict().items():
        try:
            found += selectors.choose_filters(actor, side, {name: text})
        except InvalidInput:
            continue
    return found

"""Keeping the words by which an API is found."""

from __future__ import annotations

import functools
import operator
from typing import Final

from django.contrib.postgres.search import SearchVector
from django.db.models import Value

from apps.apis.models import Api
from apps.apis.selectors import SEARCH_CONFIG, list_endpoints

MAX_SEARCHED_ENDPOINTS: Final = 200


def refresh_search(api: Api) -> None:
    """Bring an API's search words up to date: its name weighs most, its endpoints least."""
    endpoints = list_endpoints(api).values_list("path", "summary")[:MAX_SEARCHED_ENDPOINTS]
    words = {
        "A": f"{api.name} {api.slug.replace('-', ' ')} {' '.join(api.tags)}",
        "B": f"{api.short_description} {api.category.name} {api.organization.name}",
        "C": api.description[:20_000],
        "D": " ".join(f"{path.replace('/', ' ')} {summary}" for path, summary in endpoints),
    }
    parts = [
        SearchVector(Value(text), weight=weight, config=SEARCH_CONFIG)
        for weight, text in words.items()
    ]
    Api.objects.filter(pk=api.pk).update(search=functools.reduce(operator.add, parts))

"""Keeping the words by which an API is found."""

from __future__ import annotations

import functools
import operator
from typing import Final

from django.contrib.postgres.search import SearchVector
from django.db.models import Value

from apps.apis.models import Api
from apps.apis.selectors import SEARCH_CONFIG, list_endpoints
from apps.apis.selectors.words import without_accents
from apps.apis.services.discovery import note_listing

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
        SearchVector(Value(_with_plain_forms(text)), weight=weight, config=SEARCH_CONFIG)
        for weight, text in words.items()
    ]
    Api.objects.filter(pk=api.pk).update(search=functools.reduce(operator.add, parts))
    note_listing(api_id=api.pk)


def _with_plain_forms(text: str) -> str:
    """Add the words that have accents once more without them, for those who cannot type them."""
    plain = (without_accents(word) for word in text.split() if not word.isascii())
    return " ".join((text, *plain))

"""The filters of the catalogue as lists of links: what one could choose, how many APIs it leaves, and how to undo it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.apis.models import Category
from apps.apis.selectors import (
    LATENCY_CHOICES_MS,
    PRICE_MODELS,
    RATING_CHOICES,
    Criteria,
    Results,
)
from apps.core.formatting import format_number
from apps.pricing.enums import PriceModel


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter; its link sets it, or takes it back if it is chosen. Without a count, it is not known."""

    label: str
    url: str
    count: int | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A filter with its choices."""

    name: str
    title: str
    choices: list[Choice] = field(default_factory=list)


class FacetLinks:
    """Makes the groups for one page of results."""

    def __init__(self, results: Results, query: QueryDict, path: str) -> None:
        """Keep what was found, and the address that the links change."""
        self._results = results
        self._criteria: Criteria = results.criteria
        self._query = query
        self._path = path

    def groups(self, categories: Iterable[Category]) -> list[Group]:
        """Return the filters that leave a choice."""
        groups = [
            Group("category", _("Category"), list(self._categories(categories))),
            Group("price_model", _("Price model"), list(self._price_models())),
            Group("rating", _("Rating"), list(self._ratings())),
            Group("latency", _("Latency"), list(self._latencies())),
            Group("tag", _("Tag"), list(self._tags())),
        ]
        return [group for group in groups if group.choices]

    def _categories(self, categories: Iterable[Category]) -> Iterator[Choice]:
        counts, chosen = self._results.facets.categories, self._criteria.category
        for category in categories:
            is_chosen = chosen is not None and chosen.pk == category.pk
            yield from self._choice(
                "category", category.slug, category.name, counts[category.pk], is_chosen=is_chosen
            )

    def _price_models(self) -> Iterator[Choice]:
        facets, criteria = self._results.facets, self._criteria
        yield from self._choice(
            "free", "true", _("Free tier"), facets.free, is_chosen=criteria.is_free
        )
        for model in PRICE_MODELS:
            label = str(PriceModel(model).label)
            is_chosen = criteria.price_model == model
            yield from self._choice(
                "price_model",
                model,
                label[:1].upper() + label[1:],
                facets.price_models[model],
                is_chosen=is_chosen,
            )

    def _ratings(self) -> Iterator[Choice]:
        for step, least in reversed(list(enumerate(RATING_CHOICES, start=1))):
            label = _("%(rating)s and more") % {"rating": format_number(least)}
            count = self._results.facets.at_least_rated(step)
            is_chosen = self._criteria.min_rating == least
            yield from self._choice("rating", str(least), label, count, is_chosen=is_chosen)

    def _latencies(self) -> Iterator[Choice]:
        for step, most in enumerate(LATENCY_CHOICES_MS):
            label = _("At most %(limit)s ms") % {"limit": format_number(most)}
            count = self._results.facets.at_most_slow(step)
            is_chosen = self._criteria.max_latency_ms == most
            yield from self._choice("latency", str(most), label, count, is_chosen=is_chosen)

    def _tags(self) -> Iterator[Choice]:
        tag = self._criteria.tag
        tags = dict(self._results.facets.tags)
        if tag and tag not in tags:
            tags = {tag: 0, **tags}
        for name, count in tags.items():
            yield from self._choice("tag", name, name, count, is_chosen=name == tag)

    def _choice(
        self, name: str, value: str, label: str, count: int, *, is_chosen: bool
    ) -> Iterator[Choice]:
        if count == 0 and not is_chosen:
            return
        # Too many matches are not counted.
        known = count if name in self._results.counted else None
        yield Choice(label, self._link(name, None if is_chosen else value), known, is_chosen)

    def _link(self, name: str, value: str | None) -> str:
        query = self._query.copy()
        query.pop("page", None)
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
        for key in [key for key, kept in query.items() if not kept]:
            del query[key]
        text = query.urlencode()
        return f"{self._path}?{text}" if text else self._path

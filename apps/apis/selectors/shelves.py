"""How many listings have which properties: exact counts for every combination of filters, cheap at any size.

The whole catalogue is grouped once into cells (category, price models, free tier, step of rating, step of
latency) and kept in the cache; any combination of filters is then a sum over a few thousand cells. What a search
found is at most five hundred rows, which are counted in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.cache import cache
from django.db import connection, transaction

from apps.apis.models import Category
from apps.apis.selectors.categories import list_categories
from apps.apis.selectors.criteria import LATENCY_CHOICES_MS, RATING_CHOICES, Criteria
from apps.core.ids import uuid7

CACHE_KEY: Final = "catalogue:shelves"
FRESH_KEY: Final = "catalogue:shelves:fresh"
CACHE_FOR_S: Final = 60
MAX_KEPT_FACETS: Final = 200
MOST_USED_KEY: Final = "catalogue:most-used"
MOST_USED: Final = 1000
SHOWN_TAGS: Final = 20
LISTED: Final = "api.status IN ('active', 'deprecated') AND api.visibility = 'public'"
# Steps count the thresholds that a value reaches; no value reaches none.
RATING_STEP: Final = (
    f"width_bucket(coalesce(facts.rating_average, 0), ARRAY[{','.join(map(str, RATING_CHOICES))}])"
)
_OVER: Final = ",".join(str(limit + 1) for limit in LATENCY_CHOICES_MS)
LATENCY_STEP: Final = f"width_bucket(coalesce(facts.latency_p50_ms, 2147483647), ARRAY[{_OVER}])"
_CELLS: Final = f"""
    SELECT api.category_id, facts.price_models, facts.has_free_tier, {RATING_STEP}, {LATENCY_STEP}, count(*)
    FROM apis_api AS api JOIN apis_listingfacts AS facts ON facts.api_id = api.id
    WHERE {LISTED}
    GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608 -- parts of this module only
_TAGS: Final = f"""
    SELECT tag, count(*) FROM apis_api AS api, unnest(tags) AS tag
    WHERE {LISTED} GROUP BY tag ORDER BY count(*) DESC, tag LIMIT {SHOWN_TAGS}
"""  # noqa: S608 -- parts of this module only
_MOST_USED: Final = f"""
    SELECT api_id FROM apis_listingfacts ORDER BY calls_7d DESC, api_id DESC LIMIT {MOST_USED}
"""  # noqa: S608 -- a number of this module only


class Cell(NamedTuple):
    """Listings that are alike, and how many they are."""

    category_id: UUID
    price_models: Sequence[str]
    has_free_tier: bool
    rating_step: int
    latency_step: int
    size: int = 1


@dataclass(slots=True)
class Facets:
    """For each property the number of listings that have it and pass all other filters."""

    total: int = 0
    categories: Counter[UUID] = field(default_factory=Counter)
    price_models: Counter[str] = field(default_factory=Counter)
    free: int = 0
    ratings: Counter[int] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)
    tags: list[tuple[str, int]] = field(default_factory=list)

    def at_least_rated(self, step: int) -> int:
        """Return how many reach a step of the rating."""
        return sum(count for own, count in self.ratings.items() if own >= step)

    def at_most_slow(self, step: int) -> int:
        """Return how many are no slower than a step of the latency."""
        return sum(count for own, count in self.latencies.items() if own <= step)


@dataclass(frozen=True, slots=True)
class Shelves:
    """The catalogue as cells, and its most used tags; `token` names this count of them."""

    token: str
    cells: tuple[Cell, ...]
    tags: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How many APIs are listed."""
        return sum(cell.size for cell in self.cells)

    def facets_of(self, criteria: Criteria) -> Facets:
        """Count the facets of filters without a text; each combination once per process."""
        wanted = Wanted.of(criteria)
        kept = _facets.get((self.token, wanted))
        if kept is None:
            kept = count_facets(self.cells, criteria)
            kept.tags = list(self.tags)
            if len(_facets) >= MAX_KEPT_FACETS:
                _facets.clear()
            _facets[self.token, wanted] = kept
        return kept

    def count_by_category(self) -> Counter[UUID]:
        """Return the number of listed APIs by category."""
        found: Counter[UUID] = Counter()
        for cell in self.cells:
            found[cell.category_id] += cell.size
        return found


class Wanted(NamedTuple):
    """The filters of a search in the terms of cells."""

    category_id: UUID | None
    price_model: str
    is_free: bool
    rating_step: int
    latency_step: int

    @classmethod
    def of(cls, criteria: Criteria) -> Wanted:
        """Translate what somebody asks for."""
        rating, latency = criteria.min_rating, criteria.max_latency_ms
        return cls(
            criteria.category.pk if criteria.category else None,
            criteria.price_model,
            criteria.is_free,
            RATING_CHOICES.index(rating) + 1 if rating is not None else 0,
            LATENCY_CHOICES_MS.index(latency) if latency is not None else len(LATENCY_CHOICES_MS),
        )

    def failures(self, cell: Cell) -> tuple[bool, bool, bool, bool, bool]:
        """Tell for each filter whether a cell fails it."""
        return (
            self.category_id is not None and cell.category_id != self.category_id,
            bool(self.price_model) and self.price_model not in cell.price_models,
            self.is_free and not cell.has_free_tier,
            cell.rating_step < self.rating_step,
            cell.latency_step > self.latency_step,
        )


_facets: dict[tuple[str, Wanted], Facets] = {}


def count_facets(cells: Iterable[Cell], criteria: Criteria) -> Facets:
    """Count each property under all filters but its own, so that a choice shows what the others would give."""
    wanted, facets = Wanted.of(criteria), Facets()
    for cell in cells:
        failed = wanted.failures(cell)
        misses = sum(failed)
        if misses > 1:
            continue
        fails_category, fails_model, fails_free, fails_rating, fails_latency = failed
        count = cell.size
        if not misses:
            facets.total += count
        if not misses or fails_category:
            facets.categories[cell.category_id] += count
        if not misses or fails_model:
            for model in cell.price_models:
                facets.price_models[model] += count
        if (not misses or fails_free) and cell.has_free_tier:
            facets.free += count
        if not misses or fails_rating:
            facets.ratings[cell.rating_step] += count
        if not misses or fails_latency:
            facets.latencies[cell.latency_step] += count
    return facets


class Shelf(NamedTuple):
    """A category with the number of APIs that the catalogue lists in it."""

    category: Category
    api_count: int


def list_shelves() -> list[Shelf]:
    """Return all categories in the operator's order with their counts, at most a minute old."""
    counts = load_shelves().count_by_category()
    return [Shelf(row, counts[row.pk]) for row in list_categories()]


def load_shelves() -> Shelves:
    """Return the catalogue's cells, at most a minute old; what happens to an API renews them at once.

    The shared cache decides whether they are fresh; each process keeps a copy, so that they are unpacked once.
    """
    token = cache.get(FRESH_KEY)
    if token and _copy is not None and _copy.token == token:
        return _copy
    kept: Any = cache.get(CACHE_KEY) if token else None
    if not isinstance(kept, Shelves) or kept.token != token:
        kept = _count()
        cache.set(CACHE_KEY, kept, CACHE_FOR_S)
        cache.set(FRESH_KEY, kept.token, CACHE_FOR_S)
    return _keep(kept)


_copy: Shelves | None = None


def _keep(shelves: Shelves) -> Shelves:
    global _copy  # noqa: PLW0603 -- the copy of this process
    _copy = shelves
    return shelves


def _count() -> Shelves:
    with connection.cursor() as cursor:
        cursor.execute(_CELLS)
        cells = tuple(Cell(row[0], tuple(row[1]), *row[2:]) for row in cursor.fetchall())
        cursor.execute(_TAGS)
        tags = tuple((str(tag), int(count)) for tag, count in cursor.fetchall())
    return Shelves(str(uuid7()), cells, tags)


def load_most_used() -> list[UUID]:
    """Return the ids of the most used listings, at most a minute old: what a broad search shows first."""
    kept: Any = cache.get(MOST_USED_KEY)
    if isinstance(kept, list):
        return kept
    with connection.cursor() as cursor:
        cursor.execute(_MOST_USED)
        ids = [row[0] for row in cursor.fetchall()]
    cache.set(MOST_USED_KEY, ids, CACHE_FOR_S)
    return ids


def forget_shelves() -> None:
    """Have the cells counted anew: now, and once more when the transaction that changes them commits."""
    cache.delete(FRESH_KEY)
    transaction.on_commit(lambda: cache.delete(FRESH_KEY))

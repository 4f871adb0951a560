"""How many listings have which properties: exact counts for every combination of filters, cheap at any size.

The whole catalogue is grouped once into cells (category, price models, free tier, step of rating, step of latency; and
once more for each of its most used tags) and kept in the cache; `tally` counts any combination of filters from them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.cache import cache
from django.db import connection, transaction

from apps.apis.models import Category
from apps.apis.selectors.categories import list_categories
from apps.apis.selectors.criteria import LATENCY_CHOICES_MS, RATING_CHOICES, Criteria
from apps.apis.selectors.tally import SHOWN_TAGS, Cell, Facets, Tally, Wanted
from apps.core.ids import uuid7

CACHE_KEY: Final = "catalogue:shelves"
CURRENT_KEY: Final = "catalogue:shelves:current"
FRESH_KEY: Final = "catalogue:shelves:fresh"
KEEP_FOR_S: Final = 3600
FRESH_FOR_S: Final = 60
# More listings are left to the job: nobody waits for their count, and the one before is shown meanwhile.
MANY: Final = 10_000
MAX_KEPT_FACETS: Final = 200
LISTED: Final = "api.status IN ('active', 'deprecated') AND api.visibility = 'public'"
# Steps count the thresholds that a value reaches; no value reaches none.
RATING_STEP: Final = (
    f"width_bucket(coalesce(facts.rating_average, 0), ARRAY[{','.join(map(str, RATING_CHOICES))}])"
)
_OVER: Final = ",".join(str(limit + 1) for limit in LATENCY_CHOICES_MS)
LATENCY_STEP: Final = f"width_bucket(coalesce(facts.latency_p50_ms, 2147483647), ARRAY[{_OVER}])"
_CELLS: Final = f"""
    WITH listed AS MATERIALIZED (
        SELECT api.category_id, facts.price_models, facts.has_free_tier, {RATING_STEP} AS rating, {LATENCY_STEP} AS latency,
               api.tags
        FROM apis_api AS api JOIN apis_listingfacts AS facts ON facts.api_id = api.id
        WHERE {LISTED}
    ), frequent AS (
        SELECT tag FROM listed, unnest(tags) AS tag GROUP BY tag ORDER BY count(*) DESC, tag LIMIT {SHOWN_TAGS}
    )
    SELECT category_id, price_models, has_free_tier, rating, latency, count(*), '' AS tag
    FROM listed GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT category_id, price_models, has_free_tier, rating, latency, count(*), tag
    FROM listed, unnest(tags) AS tag WHERE tag IN (SELECT tag FROM frequent) GROUP BY 1, 2, 3, 4, 5, 7
"""  # noqa: S608 -- parts of this module only

_CURRENCIES: Final = """
    SELECT price_currency FROM apis_listingfacts WHERE price_from IS NOT NULL AND price_currency <> ''
    GROUP BY 1 ORDER BY count(*) DESC, 1
"""


@dataclass(frozen=True, slots=True)
class Count:
    """The catalogue as cells, as the cache keeps it; `token` names this count of them, `size` is the number of listings."""

    token: str
    size: int
    cells: tuple[tuple[Any, ...], ...]
    currencies: tuple[str, ...]


class Shelves:
    """The catalogue, ready to be counted by any filters."""

    def __init__(self, count: Count) -> None:
        """Unpack a count; done once in each process."""
        self.token = count.token
        # The currencies that listings ask prices in, the most frequent first.
        self.currencies = count.currencies
        self._tally = Tally([Cell(*cell) for cell in count.cells])
        self._facets: dict[Wanted, Facets] = {}

    @property
    def total(self) -> int:
        """How many APIs are listed."""
        return self.facets_of(Criteria()).total

    def knows(self, criteria: Criteria) -> bool:
        """Whether these cells can count what somebody asks for: no words, and no rare tag."""
        is_common = not criteria.tag or criteria.tag in self._tally.tags
        return is_common and not criteria.words

    def facets_of(self, criteria: Criteria) -> Facets:
        """Count the facets of filters without words; each combination once per process."""
        wanted = Wanted.of(criteria)
        kept = self._facets.get(wanted)
        if kept is None:
            if len(self._facets) >= MAX_KEPT_FACETS:
                self._facets.clear()
            kept = self._facets[wanted] = self._tally.facets(wanted)
        return kept

    def count_by_category(self) -> Counter[UUID]:
        """Return the number of listed APIs by category."""
        return self._tally.count_by_category()


class Shelf(NamedTuple):
    """A category with the number of APIs that the catalogue lists in it."""

    category: Category
    api_count: int


def list_shelves() -> list[Shelf]:
    """Return all categories in the operator's order with their counts, at most a minute old."""
    counts = load_shelves().count_by_category()
    return [Shelf(row, counts[row.pk]) for row in list_categories()]


def load_shelves() -> Shelves:
    """Return the catalogue's cells. What happens to an API renews them at once, in a very large catalogue within a minute.

    The shared cache decides whether they are fresh; each process keeps a copy, so that they are unpacked once.
    """
    known = cache.get_many((CURRENT_KEY, FRESH_KEY))
    token, size = known.get(CURRENT_KEY, ("", 0))
    if token and (FRESH_KEY in known or size > MANY):
        if _copy is not None and _copy.token == token:
            return _copy
        kept: Any = cache.get(CACHE_KEY)
        if isinstance(kept, Count) and kept.token == token:
            return _keep(Shelves(kept))
    return _keep(Shelves(_count_and_keep()))


def renew_shelves() -> bool:
    """Count the cells anew unless they are fresh, and tell whether that was needed."""
    if cache.get(FRESH_KEY):
        return False
    _count_and_keep()
    return True


def _count_and_keep() -> Count:
    # Set before counting: what happens meanwhile makes it old again.
    cache.set(FRESH_KEY, "fresh", timeout=FRESH_FOR_S)
    counted = _count()
    cache.set(CACHE_KEY, counted, timeout=KEEP_FOR_S)
    cache.set(CURRENT_KEY, (counted.token, counted.size), timeout=KEEP_FOR_S)
    return counted


_copy: Shelves | None = None


def _keep(shelves: Shelves) -> Shelves:
    global _copy  # noqa: PLW0603 -- the copy of this process
    _copy = shelves
    return shelves


def _count() -> Count:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(_CELLS)
        cells = tuple((row[0], tuple(row[1]), *row[2:]) for row in cursor.fetchall())
        cursor.execute(_CURRENCIES)
        currencies = tuple(str(row[0]) for row in cursor.fetchall())
    size = sum(cell.size for cell in map(Cell._make, cells) if not cell.tag)
    return Count(str(uuid7()), size, cells, currencies)


def forget_shelves() -> None:
    """Have the cells counted anew: now, and once more when the transaction that changes them commits."""
    cache.delete(FRESH_KEY)
    transaction.on_commit(lambda: cache.delete(FRESH_KEY))

"""Searching the catalogue: what matches, in which order, and what the filters would leave of it.

Two ways, so that the time does not grow with the catalogue. Browsing (no words, no tag) walks the index of the wanted
order and takes its totals from the cells of `shelves`. Searching takes the matches, counts and sorts them; where
more than five hundred match, it shows five hundred of them, those first that are among the most used, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, overload
from uuid import UUID

from django.db import connection
from django.db.models import Max

from apps.apis.models import Api, ApiQuerySet
from apps.apis.selectors.criteria import Criteria, Sort
from apps.apis.selectors.shelves import (
    LATENCY_STEP,
    LISTED,
    RATING_STEP,
    SHOWN_TAGS,
    Cell,
    Facets,
    Wanted,
    count_facets,
    load_most_used,
    load_shelves,
)
from apps.apis.selectors.spelling import correct
from apps.apis.selectors.words import prefix_query

MAX_MATCHES: Final = 500
# So few matches are sorted faster than an index is walked until it met them all.
MAX_SORTED: Final = 2000
MAX_PRICE: Final = "1e12"
_NEWEST: Final = "api.activated_at DESC NULLS LAST, api.id DESC"
_POPULAR: Final = "facts.calls_7d DESC, facts.api_id DESC"
# Each but the first is the order of an index (migration 0006 or later), written in the same words.
ORDERS: Final = {
    Sort.RELEVANCE: f"score DESC, {_POPULAR}",
    Sort.NEWEST: _NEWEST,
    Sort.POPULAR: _POPULAR,
    Sort.TRENDING: "facts.trend DESC, facts.api_id DESC",
    Sort.RATING: "coalesce(facts.rating_average, 0) DESC, facts.rating_count DESC, facts.api_id DESC",
    Sort.LATENCY: "coalesce(facts.latency_p50_ms, 2147483647), facts.api_id",
    Sort.PRICE: f"coalesce(facts.price_from, {MAX_PRICE}), facts.api_id",
}
_FROM: Final = "FROM apis_api AS api JOIN apis_listingfacts AS facts ON facts.api_id = api.id"
_ROW: Final = f"""
    api.id, api.category_id, facts.price_models, facts.has_free_tier, {RATING_STEP} AS rating_step,
    {LATENCY_STEP} AS latency_step, api.tags
"""


class Results(Sequence[Api]):
    """What a search found: its length, its slices, its facets, and the words it was made with."""

    def __init__(self, criteria: Criteria, *, corrected: str = "") -> None:
        """Search; the rows of a slice are loaded when it is taken."""
        self.criteria = criteria
        self.corrected = corrected
        # More match than are shown; and whether the facets say how many each choice leaves.
        self.is_capped = False
        self.is_counted = True
        self.facets: Facets
        self._ids: list[UUID] | None = None
        if criteria.words or criteria.tag:
            self._search()
        else:
            self.facets = load_shelves().facets_of(criteria)

    def __len__(self) -> int:
        """Return how many were found; at most five hundred of a search."""
        return len(self._ids) if self._ids is not None else self.facets.total

    @overload
    def __getitem__(self, index: int) -> Api: ...
    @overload
    def __getitem__(self, index: slice) -> list[Api]: ...
    def __getitem__(self, index: int | slice) -> Api | list[Api]:
        """Load a slice of the listings, with category, provider, facts and logo: one query, or two."""
        if isinstance(index, int):
            return self[index : index + 1][0]
        start, stop, _step = index.indices(len(self))
        ids = self._ids[start:stop] if self._ids is not None else self._walk(start, stop - start)
        return load_cards(ids)

    def _search(self) -> None:
        rows = _matches(self.criteria, limit=MAX_MATCHES + 1)
        self.is_counted = len(rows) <= MAX_MATCHES
        if not self.is_counted:
            rows = self._search_broadly(rows)
        cells = [Cell(*row[1:6]) for row in rows]
        wanted = Wanted.of(self.criteria)
        found = [
            row for row, cell in zip(rows, cells, strict=True) if not any(wanted.failures(cell))
        ]
        self.facets = count_facets(cells, self.criteria)
        self.facets.tags = _count_tags(found)
        self._ids = [row[0] for row in found]

    def _search_broadly(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return what passes the filters; of more than five hundred, those among the most used come first."""
        criteria = self.criteria
        if criteria.is_filtered:
            rows = _matches(criteria, limit=MAX_MATCHES + 1, filtered=True)
        self.is_capped = len(rows) > MAX_MATCHES
        if not self.is_capped:
            return rows
        used = _matches(criteria, limit=MAX_MATCHES, filtered=True, within=load_most_used())
        first = {row[0] for row in used}
        return [*used, *(row for row in rows if row[0] not in first)][:MAX_MATCHES]

    def _walk(self, offset: int, count: int) -> list[UUID]:
        if count <= 0:
            return []
        conditions, parameters = _conditions(self.criteria)
        order = ORDERS[self.criteria.order]
        if len(self) <= MAX_SORTED:
            # A fence: the planner believes that an index meets rare rows early.
            sql = f"""
                WITH found AS MATERIALIZED (
                    SELECT api.id, row_number() OVER (ORDER BY {order}) AS place {_FROM} WHERE {conditions}
                )
                SELECT id FROM found ORDER BY place LIMIT %s OFFSET %s
            """  # noqa: S608 -- parts of this module only
        else:
            sql = f"SELECT api.id {_FROM} WHERE {conditions} ORDER BY {order} LIMIT %s OFFSET %s"
        with connection.cursor() as cursor:
            cursor.execute(sql, [*parameters, count, offset])
            return [row[0] for row in cursor.fetchall()]


def search_catalogue(criteria: Criteria | None = None) -> Results:
    """Search the catalogue: every word must begin a word of the listing, in its name before its description.

    If nothing matches and a word is used by no listing, the nearest words that are used take its place;
    `corrected` of the results then says what was searched instead.
    """
    criteria = criteria or Criteria()
    results = Results(criteria)
    if len(results) or not criteria.words or results.facets.categories:
        return results
    words = correct(criteria.words)
    if words is None:
        return results
    text = " ".join(words)
    return Results(replace(criteria, text=text), corrected=text)


def list_featured(count: int) -> list[Api]:
    """Return what the operator put on the home page, in the operator's order; one query."""
    return list(
        _cards().filter(featured_position__isnull=False).order_by("featured_position")[:count]
    )


def next_featured_position() -> int:
    """Return the place behind all featured listings."""
    last = Api.objects.aggregate(last=Max("featured_position"))["last"]
    return (last or 0) + 1


def list_trending(count: int) -> list[Api]:
    """Return the listings whose calls grew most this week; those that did not grow are left out."""
    rows = Results(Criteria(sort=Sort.TRENDING))[:count]
    return [row for row in rows if row.facts.trend > 0]


def list_newest(count: int) -> list[Api]:
    """Return the listings that went live last."""
    return Results(Criteria(sort=Sort.NEWEST))[:count]


def _cards() -> ApiQuerySet:
    rows = Api.objects.listed().with_logo()
    return rows.select_related("category", "organization", "facts", "logo").defer(
        "description", "search", "logo__image"
    )


def load_cards(ids: Sequence[UUID]) -> list[Api]:
    """Return listings in the given order with what their cards show; one query.

    Those that left the catalogue meanwhile are left out.
    """
    if not ids:
        return []
    rows = _cards().in_bulk(list(ids))
    return [rows[key] for key in ids if key in rows]


def _matches(
    criteria: Criteria,
    *,
    limit: int,
    filtered: bool = False,
    within: list[UUID] | None = None,
) -> list[tuple[Any, ...]]:
    """Return at most so many matching rows, in the wanted order; `within` some listings, if it is given."""
    words = criteria.words
    conditions, parameters = _conditions(criteria, only_text=not filtered)
    if within is not None:
        conditions, parameters = f"api.id = ANY(%s) AND {conditions}", [within, *parameters]
    query = prefix_query(words)
    score = "ts_rank(api.search, %s::tsquery) + (lower(api.name) = %s)::int" if words else "0"
    scored = [query, " ".join(words)] if words else []
    # What only the text decides needs no facts before five hundred are found.
    source = _FROM if filtered and criteria.is_filtered else "FROM apis_api AS api"
    sql = f"""
        WITH hits AS MATERIALIZED (
            SELECT api.id, api.category_id, api.tags, api.activated_at, {score} AS score
            {source} WHERE {conditions} LIMIT %s
        )
        SELECT {_ROW} FROM hits AS api JOIN apis_listingfacts AS facts ON facts.api_id = api.id
        ORDER BY {ORDERS[criteria.order]}
    """  # noqa: S608 -- parts of this module only
    with connection.cursor() as cursor:
        cursor.execute(sql, [*scored, *parameters, limit])
        return list(cursor.fetchall())


def _conditions(criteria: Criteria, *, only_text: bool = False) -> tuple[str, list[Any]]:
    """Return what rows must fulfil, and the values of its placeholders."""
    parts: list[tuple[str, list[Any]]] = [(LISTED, [])]
    if criteria.words:
        parts.append(("api.search @@ %s::tsquery", [prefix_query(criteria.words)]))
    if criteria.tag:
        parts.append(("api.tags @> ARRAY[%s]::varchar[]", [criteria.tag]))
    if not only_text:
        parts += _filters(criteria)
    values = [value for _sql, own in parts for value in own]
    return " AND ".join(sql for sql, _own in parts), values


def _filters(criteria: Criteria) -> list[tuple[str, list[Any]]]:
    parts: list[tuple[str, list[Any]]] = []
    if criteria.category:
        parts.append(("api.category_id = %s", [criteria.category.pk]))
    if criteria.price_model:
        parts.append(("facts.price_models @> ARRAY[%s]::varchar[]", [criteria.price_model]))
    if criteria.is_free:
        parts.append(("facts.has_free_tier", []))
    if criteria.min_rating is not None:
        parts.append(("coalesce(facts.rating_average, 0) >= %s", [criteria.min_rating]))
    if criteria.max_latency_ms is not None:
        parts.append(("facts.latency_p50_ms <= %s", [criteria.max_latency_ms]))
    return parts


def _count_tags(rows: list[tuple[Any, ...]]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for row in rows:
        for tag in row[6]:
            counts[tag] = counts.get(tag, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_TAGS]

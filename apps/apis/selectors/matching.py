"""The statements of a search: few matches whole, many of them a page at a time."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from apps.apis.selectors.criteria import Criteria, Sort
from apps.apis.selectors.shelves import LATENCY_STEP, LISTED, RATING_STEP
from apps.apis.selectors.tally import Cell
from apps.apis.selectors.words import prefix_query

MAX_MATCHES: Final = 500
MOST_USED: Final = 1000
MAX_PRICE: Final = "1e12"
_NEWEST: Final = "api.activated_at DESC NULLS LAST, api.id DESC"
_POPULAR: Final = "facts.calls_7d DESC, facts.api_id DESC"
# Each is the order of an index (migration 0007 or later), written in the same words.
_ORDERS: Final = {
    Sort.RELEVANCE: _POPULAR,
    Sort.NEWEST: _NEWEST,
    Sort.POPULAR: _POPULAR,
    Sort.TRENDING: "facts.trend DESC, facts.api_id DESC",
    Sort.RATING: "coalesce(facts.rating_average, 0) DESC, facts.rating_count DESC, facts.api_id DESC",
    Sort.LATENCY: "coalesce(facts.latency_p50_ms, 2147483647), facts.api_id",
    Sort.PRICE: f"coalesce(facts.price_from, {MAX_PRICE}), facts.api_id",
}
_FROM: Final = "FROM apis_api AS api JOIN apis_listingfacts AS facts ON facts.api_id = api.id"
# A fence: for a few hundred rows the planner would rather read all facts.
_THEIR_FACTS: Final = """
    CROSS JOIN LATERAL (SELECT * FROM apis_listingfacts WHERE api_id = api.id OFFSET 0) AS facts
"""
# Amounts of different currencies are not compared: the others stand behind.
_IS_PRICED: Final = "(facts.price_from IS NOT NULL AND facts.price_currency = %s)"
_BETWEEN: Final = "\x1f"


class Match(NamedTuple):
    """A listing that matches, with what the facets count."""

    api_id: UUID
    cell: Cell
    tags: list[str]


def find_matches(criteria: Criteria, *, is_filtered: bool) -> list[Match] | None:
    """Return all listings that match the words and the tag, in the wanted order; `None` if they are too many.

    With `is_filtered` the filters too decide what matches.
    """
    conditions, parameters = _conditions(criteria, is_filtered=is_filtered)
    score, scored = _score(criteria)
    order = _ORDERS[criteria.order]
    values: list[Any] = []
    if criteria.order is Sort.RELEVANCE:
        order, values = f"{score} DESC, {order}", scored
    elif criteria.order is Sort.PRICE:
        order, values = f"{_IS_PRICED} DESC, {order}", [criteria.currency]
    # What only the words decide needs no facts before all matches are found.
    source = _FROM if is_filtered else "FROM apis_api AS api"
    sql = f"""
        WITH hits AS MATERIALIZED (
            SELECT api.id, api.category_id, api.tags, api.activated_at, api.name, api.search
            {source} WHERE {conditions} LIMIT {MAX_MATCHES + 1}
        )
        SELECT hit.* FROM (SELECT count(*) AS total FROM hits) AS found LEFT JOIN LATERAL (
            SELECT api.id, api.category_id, array_to_string(facts.price_models, '{_BETWEEN}'), facts.has_free_tier,
                   {RATING_STEP}, {LATENCY_STEP}, array_to_string(api.tags, '{_BETWEEN}'),
                   row_number() OVER (ORDER BY {order}) AS place
            FROM hits AS api {_THEIR_FACTS}
        ) AS hit ON found.total <= {MAX_MATCHES}
        WHERE hit.id IS NOT NULL OR found.total > {MAX_MATCHES}
        ORDER BY place
    """  # noqa: S608 -- parts of this module only
    rows = _fetch(sql, [*parameters, *values])
    if rows and rows[0][0] is None:
        return None
    return [_match(row) for row in rows]


def find_best(criteria: Criteria) -> list[UUID]:
    """Return the matches among the most used listings, the best first: the beginning of a long list.

    They are also the first that `walk` meets, in another order.
    """
    conditions, parameters = _conditions(criteria, is_filtered=True)
    score, scored = _score(criteria)
    sql = f"""
        WITH facts AS MATERIALIZED (
            SELECT * FROM apis_listingfacts AS facts ORDER BY {_POPULAR} LIMIT {MOST_USED}
        )
        SELECT api.id FROM facts CROSS JOIN LATERAL (
            SELECT * FROM apis_api WHERE id = facts.api_id OFFSET 0
        ) AS api
        WHERE {conditions} ORDER BY {score} DESC, {_POPULAR}
    """  # noqa: S608 -- parts of this module only
    return [row[0] for row in _fetch(sql, [*parameters, *scored])]


def walk(criteria: Criteria, *, offset: int, count: int, is_rare: bool = False) -> list[UUID]:
    """Return a part of all matches in the wanted order, off the index of that order.

    Where matches are rare, an index would be read far to meet them: then all of them are sorted.
    """
    if count <= 0:
        return []
    if criteria.order is not Sort.PRICE or not criteria.currency:
        return _walk(criteria, "true", [], offset=offset, count=count, is_rare=is_rare)
    asked = [criteria.currency]
    found = _walk(criteria, _IS_PRICED, asked, offset=offset, count=count, is_rare=is_rare)
    if len(found) == count:
        return found
    before = offset + len(found)
    if offset and not found:
        before = _count_priced(criteria)
    behind = _walk(
        criteria,
        f"NOT {_IS_PRICED}",
        asked,
        offset=max(0, offset - before),
        count=count - len(found),
        is_rare=is_rare,
    )
    return found + behind


def _walk(
    criteria: Criteria,
    condition: str,
    values: list[Any],
    *,
    offset: int,
    count: int,
    is_rare: bool,
) -> list[UUID]:
    conditions, parameters = _conditions(criteria, is_filtered=True)
    order = _ORDERS[criteria.order]
    matching = f"{_FROM} WHERE {conditions} AND {condition}"
    if is_rare:
        # A fence: the planner believes that an index meets rare rows early.
        sql = f"""
            WITH found AS MATERIALIZED (
                SELECT api.id, row_number() OVER (ORDER BY {order}) AS place {matching}
            )
            SELECT id FROM found ORDER BY place LIMIT %s OFFSET %s
        """  # noqa: S608 -- parts of this module only
    else:
        sql = f"SELECT api.id {matching} ORDER BY {order} LIMIT %s OFFSET %s"
    return [row[0] for row in _fetch(sql, [*parameters, *values, count, offset])]


def _count_priced(criteria: Criteria) -> int:
    conditions, parameters = _conditions(criteria, is_filtered=True)
    sql = f"SELECT count(*) {_FROM} WHERE {conditions} AND {_IS_PRICED}"
    return int(_fetch(sql, [*parameters, criteria.currency])[0][0])


def _fetch(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _match(row: tuple[Any, ...]) -> Match:
    api_id, category_id, models, has_free_tier, rating_step, latency_step, tags, _place = row
    cell = Cell(category_id, _list(models), has_free_tier, rating_step, latency_step)
    return Match(api_id, cell, _list(tags))


def _list(text: str) -> list[str]:
    return text.split(_BETWEEN) if text else []


def _score(criteria: Criteria) -> tuple[str, list[Any]]:
    """Return how well a listing matches; one whose name is the query matches best."""
    words = criteria.words
    if not words:
        return "0::real", []
    score = "(ts_rank(api.search, %s::tsquery) + (lower(api.name) = %s)::int)"
    return score, [prefix_query(words), " ".join(words)]


def _conditions(criteria: Criteria, *, is_filtered: bool) -> tuple[str, list[Any]]:
    """Return what rows must fulfil, and the values of its placeholders."""
    parts: list[tuple[str, list[Any]]] = [(LISTED, [])]
    if criteria.words:
        parts.append(("api.search @@ %s::tsquery", [prefix_query(criteria.words)]))
    if criteria.tag:
        parts.append(("api.tags @> ARRAY[%s]::varchar[]", [criteria.tag]))
    if is_filtered:
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

"""Mistyped words: the nearest ones that listed APIs use, by shared trigrams and the distance of edits."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Final

from django.db import connection

from apps.apis.selectors.shelves import LISTED
from apps.apis.selectors.words import prefix_query, without_accents

MIN_LENGTH: Final = 3
MAX_CANDIDATES: Final = 200
MAX_ASKED: Final = 5
# A word of so many listings is taken to be in use: to ask for it would be to collect them all.
FREQUENT: Final = 50
_SHORT: Final = 4
_MIDDLING: Final = 8
# Whether somebody lists the word at this moment: the vocabulary may be older than a retreat from the catalogue.
_IS_LISTED: Final = f"""
    SELECT word FROM unnest(%s::text[], %s::text[]) AS asked(word, query)
    WHERE EXISTS (SELECT FROM apis_api AS api WHERE {LISTED} AND search @@ query::tsquery)
"""  # noqa: S608 -- parts of this module only


def correct(words: list[str]) -> list[str] | None:
    """Return the words with each that no listed API uses replaced by the nearest that one does.

    `None` if there is nothing to replace, or nothing near enough for one of them.
    """
    missing = [word for word in words if word not in _listed(words)]
    if not missing or any(len(word) < MIN_LENGTH for word in missing):
        return None
    nearest = {word: _nearest(word) for word in missing}
    counts = {other: used for others in nearest.values() for other, used in others}
    in_use = _listed(sorted(word for word, used in counts.items() if used < FREQUENT))
    in_use |= {word for word, used in counts.items() if used >= FREQUENT}
    found = {
        word: next((o for o, _used in others if o in in_use), "")
        for word, others in nearest.items()
    }
    if not all(found.values()):
        return None
    return list(dict.fromkeys(found.get(word, word) for word in words))


def trigrams_of(word: str) -> list[str]:
    """Return a word's trigrams in order, with two blanks before and one behind it."""
    padded = f"  {word} "
    return [padded[place : place + 3] for place in range(len(padded) - 2)]


def distance(one: str, other: str, limit: int) -> int:
    """Return how many letters must be put in, left out, exchanged or swapped with their neighbour.

    Stops counting beyond `limit`.
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        older, before, row = before, row, [place]
        for index, wanted in enumerate(other, start=1):
            cost = min(
                row[index - 1] + 1, before[index] + 1, before[index - 1] + (letter != wanted)
            )
            is_swap = (
                place > 1 and index > 1 and letter == other[index - 2] and one[place - 2] == wanted
            )
            row.append(min(cost, older[index - 2] + 1) if is_swap else cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _nearest(word: str) -> list[tuple[str, int]]:
    """Return the nearest words of the vocabulary with their use, the most used first among equally near ones."""
    limit = 1 if len(word) <= _SHORT else 2 if len(word) <= _MIDDLING else 3
    plain = without_accents(word)
    ranked: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for other, used in _candidates(word, limit):
        edits = distance(plain, without_accents(other), limit)
        if edits <= limit:
            ranked[edits].append((-used, other))
    found = [(other, -used) for edits in sorted(ranked) for used, other in sorted(ranked[edits])]
    return found[:MAX_ASKED]


def _candidates(word: str, limit: int) -> list[tuple[str, int]]:
    # Around any single mistake two neighbouring trigrams stay whole; asking for pairs keeps the sets small.
    trigrams = trigrams_of(word)
    pairs = [list(pair) for pair in itertools.pairwise(trigrams)]
    shared = " OR ".join(["trigrams @> %s::varchar[]"] * len(pairs))
    sql = f"""
        SELECT word, api_count FROM apis_searchword
        WHERE ({shared}) AND length(word) BETWEEN %s AND %s
        ORDER BY (SELECT count(*) FROM unnest(trigrams) AS one WHERE one = ANY(%s::varchar[])) DESC, api_count DESC
        LIMIT {MAX_CANDIDATES}
    """  # noqa: S608 -- only placeholders are put together
    with connection.cursor() as cursor:
        cursor.execute(sql, [*pairs, len(word) - limit, len(word) + limit, trigrams])
        return [(str(other), int(used)) for other, used in cursor.fetchall()]


def _listed(words: list[str]) -> set[str]:
    if not words:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_IS_LISTED, [words, [prefix_query([word]) for word in words]])
        return {str(row[0]) for row in cursor.fetchall()}

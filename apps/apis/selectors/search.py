"""Searching the catalogue: what is found, in which order, and what the filters would leave of it.

Two ways, so that the time does not grow with the catalogue. Up to five hundred matches are taken, counted and sorted.
More are walked in the wanted order, a page at a time, off the index of that order: every one can be reached. How
many there are the cells of `shelves` know if nothing but filters was asked for; else it is found out by walking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, overload
from uuid import UUID

from django.db.models import Max

from apps.apis.models import Api, ApiQuerySet
from apps.apis.selectors.criteria import Criteria, Sort
from apps.apis.selectors.matching import MAX_MATCHES, Match, find_best, find_matches, walk
from apps.apis.selectors.shelves import load_shelves
from apps.apis.selectors.spelling import correct
from apps.apis.selectors.tally import FILTERS, Facets, Tally, Wanted, most_frequent

# A capped search counts so far beyond the page that is shown: the pages behind it can be named.
LOOK_AHEAD: Final = 100
# Reading so many rows of an index takes as long as sorting all that a rare filter leaves.
MAX_WALKED: Final = 5000


class Results(Sequence[Api]):
    """What a search found: its length, its slices, its facets, and the words it was made with."""

    def __init__(self, criteria: Criteria, *, corrected: str = "") -> None:
        """Search; the rows of a slice are loaded when it is taken."""
        self.criteria = criteria
        self.corrected = corrected
        # Whether there are more than `len` says; `reach` counts on.
        self.is_capped = False
        # The facets whose numbers are known; of the others only their choices are.
        self.counted = FILTERS
        self.facets: Facets
        self._total = 0
        self._matches: list[Match] | None = None
        self._best: list[UUID] = []
        # How far a walk goes before sorting all matches is less work.
        self._walked_at_most = MAX_WALKED
        self._search()

    def __len__(self) -> int:
        """Return how many were found; of a capped search, how many are known so far."""
        return self._total

    @overload
    def __getitem__(self, index: int) -> Api: ...
    @overload
    def __getitem__(self, index: slice) -> list[Api]: ...
    def __getitem__(self, index: int | slice) -> Api | list[Api]:
        """Load a slice of the listings, with category, provider, facts and logo: one query, or two."""
        if isinstance(index, int):
            return self[index : index + 1][0]
        start, stop, _step = index.indices(self._total)
        return load_cards(self._ids(start, stop))

    def reach(self, stop: int) -> None:
        """Make a capped search count until there are so many and some more, or until it knows that there are not."""
        if not self.is_capped or stop < self._total:
            return
        count = stop + LOOK_AHEAD - self._total
        found = walk(self.criteria, offset=self._total, count=count + 1)
        self._total += min(len(found), count)
        self.is_capped = len(found) > count

    def _search(self) -> None:
        criteria = self.criteria
        if not criteria.words and self._browse():
            return
        filters = criteria.filters
        matches = find_matches(criteria, is_filtered=bool(filters))
        if matches is None:
            self._cap()
            return
        everything = find_matches(criteria, is_filtered=False) if filters else matches
        self._take(matches if everything is None else everything)
        if everything is None:
            # What another choice of the same filter would leave is not known, only that it may leave something.
            self.counted -= filters
            self.facets.borrow(self._browsed(), filters)

    def _cap(self) -> None:
        """Walk what are too many to be taken, the best of the most used ones first; nothing of them is counted."""
        self.facets, self.counted = self._browsed(), frozenset()
        self._total, self.is_capped = MAX_MATCHES, True
        if self.criteria.order is Sort.RELEVANCE:
            self._best = find_best(self.criteria)

    def _browsed(self) -> Facets:
        return load_shelves().facets_of(replace(self.criteria, text="", tag=""))

    def _browse(self) -> bool:
        """Take the numbers from the shelves, unless a tag is asked for that they do not count."""
        shelves = load_shelves()
        if not shelves.knows(self.criteria):
            return False
        self.facets = shelves.facets_of(self.criteria)
        self._total = self.facets.total
        self._walked_at_most = MAX_WALKED * self._total // max(shelves.total, 1)
        return True

    def _take(self, matches: list[Match]) -> None:
        """Keep matches that are all there are, and count them."""
        wanted = Wanted.of(replace(self.criteria, tag=""))
        self.facets = Tally([match.cell for match in matches]).facets(wanted)
        self._matches = [match for match in matches if wanted.admits(match.cell)]
        tags = Counter(tag for match in self._matches for tag in match.tags)
        self.facets.tags = most_frequent(tags.items())
        self._total = len(self._matches)

    def _ids(self, start: int, stop: int) -> list[UUID]:
        if self._matches is not None:
            return [match.api_id for match in self._matches[start:stop]]
        # The best of a long list are also the first that a walk meets, in another order.
        best = self._best[start:stop]
        offset = start + len(best)
        is_rare = not self.is_capped and stop > self._walked_at_most
        return best + walk(self.criteria, offset=offset, count=stop - offset, is_rare=is_rare)


def search_catalogue(criteria: Criteria | None = None) -> Results:
    """Search the catalogue: every word must begin a word of the listing, in its name before its description.

    If nothing matches and a word is used by no listing, the nearest words that are used take its place;
    `corrected` of the results then says what was searched instead.
    """
    criteria = _with_currency(criteria or Criteria())
    results = Results(criteria)
    if len(results) or not criteria.words or results.facets.categories:
        return results
    words = correct(criteria.words)
    if words is None:
        return results
    text = " ".join(words)
    corrected = Results(replace(criteria, text=text), corrected=text)
    # A frequent word is suggested unseen: that it is still in use shows in what it finds.
    return corrected if len(corrected) or corrected.facets.categories else results


def _with_currency(criteria: Criteria) -> Criteria:
    """Choose a currency for an order by price: what was asked for, if anything costs it, else the most frequent one."""
    if criteria.order is not Sort.PRICE:
        return criteria
    known = load_shelves().currencies
    chosen = criteria.currency if criteria.currency in known else "".join(known[:1])
    return replace(criteria, currency=chosen)


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


def load_cards(ids: Sequence[UUID]) -> list[Api]:
    """Return listings in the given order with what their cards show; one query.

    Those that left the catalogue meanwhile are left out.
    """
    if not ids:
        return []
    rows = _cards().in_bulk(list(ids))
    return [rows[key] for key in ids if key in rows]


def _cards() -> ApiQuerySet:
    rows = Api.objects.listed().with_logo()
    return rows.select_related("category", "organization", "facts", "logo").defer(
        "description", "search", "logo__image"
    )

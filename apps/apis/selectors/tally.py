"""Counting listings by their properties under any combination of filters, without looking at each of them.

Alike listings stand together in a cell. Each property is a number whose bits are the cells that have it, so a
combination of filters is a few `AND`s; the sizes of the cells are numbers of the same kind, one for each binary digit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from apps.apis.selectors.criteria import LATENCY_CHOICES_MS, RATING_CHOICES, Criteria

SHOWN_TAGS: Final = 20
FILTERS: Final = frozenset({"category", "price_model", "free", "rating", "latency", "tag"})


class Cell(NamedTuple):
    """Listings that are alike, and how many they are; with a tag, those of them that have it."""

    category_id: UUID
    price_models: Sequence[str]
    has_free_tier: bool
    rating_step: int
    latency_step: int
    size: int = 1
    tag: str = ""


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

    def borrow(self, other: Facets, names: frozenset[str]) -> None:
        """Take some filters from a wider search, where their own numbers are not known: as choices only."""
        fields = {
            "category": "categories",
            "price_model": "price_models",
            "free": "free",
            "rating": "ratings",
            "latency": "latencies",
            "tag": "tags",
        }
        for name in names:
            setattr(self, fields[name], getattr(other, fields[name]))


class Wanted(NamedTuple):
    """The filters of a search in the terms of cells."""

    category_id: UUID | None
    price_model: str
    is_free: bool
    rating_step: int
    latency_step: int
    tag: str

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
            criteria.tag,
        )

    def admits(self, cell: Cell) -> bool:
        """Tell whether a cell passes the filters, that of the tag apart."""
        return (
            (self.category_id is None or cell.category_id == self.category_id)
            and (not self.price_model or self.price_model in cell.price_models)
            and (not self.is_free or cell.has_free_tier)
            and cell.rating_step >= self.rating_step
            and cell.latency_step <= self.latency_step
        )


class Tally:
    """Cells, ready to be counted. Every listing must stand in one cell without a tag, and in one for each kept tag."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        """Turn the cells into bits; the time grows with their number."""
        self._bits: dict[str, dict[Hashable, int]] = {name: {} for name in FILTERS}
        rows: dict[tuple[str, Hashable], bytearray] = {}
        sizes: dict[int, bytearray] = {}
        length = len(cells) // 8 + 1
        for place, cell in enumerate(cells):
            byte, bit = place >> 3, 1 << (place & 7)
            for key in _properties(cell):
                rows.setdefault(key, bytearray(length))[byte] |= bit
            for digit in range(cell.size.bit_length()):
                if cell.size >> digit & 1:
                    sizes.setdefault(digit, bytearray(length))[byte] |= bit
        for (name, value), bits in rows.items():
            self._bits[name][value] = int.from_bytes(bits, "little")
        self._digits = [(digit, int.from_bytes(bits, "little")) for digit, bits in sizes.items()]
        self._all = (1 << len(cells)) - 1
        self.tags = frozenset(str(tag) for tag in self._bits["tag"] if tag != "")

    def facets(self, wanted: Wanted) -> Facets:
        """Count each property under all filters but its own, so that a choice shows what the others would give."""
        passing = self._passing(wanted)
        by_category = self._by_value("category", passing)
        by_tag = self._by_value("tag", passing)
        by_tag.pop("", None)
        return Facets(
            total=self._sum(self._others("", passing)),
            categories=Counter(by_category),  # type: ignore[arg-type]  # the values of this property
            price_models=Counter(self._by_value("price_model", passing)),  # type: ignore[arg-type]  # as above
            free=self._by_value("free", passing).get(True, 0),
            ratings=Counter(self._by_value("rating", passing)),  # type: ignore[arg-type]  # as above
            latencies=Counter(self._by_value("latency", passing)),  # type: ignore[arg-type]  # as above
            tags=most_frequent((str(tag), count) for tag, count in by_tag.items()),
        )

    def count_by_category(self) -> Counter[UUID]:
        """Return the number of listings by category."""
        untagged = self._bits["tag"].get("", 0)
        bits = self._bits["category"].items()
        return Counter({value: self._sum(own & untagged) for value, own in bits})  # type: ignore[misc]  # as above

    def _passing(self, wanted: Wanted) -> dict[str, int]:
        """Return for each property the cells that pass its filter."""
        bits = self._bits
        chosen: dict[str, int] = {"tag": bits["tag"].get(wanted.tag, 0)}
        if wanted.category_id is not None:
            chosen["category"] = bits["category"].get(wanted.category_id, 0)
        if wanted.price_model:
            chosen["price_model"] = bits["price_model"].get(wanted.price_model, 0)
        if wanted.is_free:
            chosen["free"] = bits["free"].get(True, 0)
        chosen["rating"] = _any(
            own for step, own in _steps(bits["rating"]) if step >= wanted.rating_step
        )
        chosen["latency"] = _any(
            own for step, own in _steps(bits["latency"]) if step <= wanted.latency_step
        )
        return chosen

    def _others(self, name: str, passing: dict[str, int]) -> int:
        found = self._all
        for other, own in passing.items():
            if other != name:
                found &= own
        return found

    def _by_value(self, name: str, passing: dict[str, int]) -> dict[Hashable, int]:
        others = self._others(name, passing)
        counts = {value: self._sum(own & others) for value, own in self._bits[name].items()}
        return {value: count for value, count in counts.items() if count}

    def _sum(self, cells: int) -> int:
        return sum((cells & own).bit_count() << digit for digit, own in self._digits)


def most_frequent(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the tags that are shown, the most frequent first."""
    return sorted(counts, key=lambda item: (-item[1], item[0]))[:SHOWN_TAGS]


def _properties(cell: Cell) -> list[tuple[str, Hashable]]:
    return [
        ("category", cell.category_id),
        ("free", cell.has_free_tier),
        ("rating", cell.rating_step),
        ("latency", cell.latency_step),
        ("tag", cell.tag),
        *(("price_model", model) for model in cell.price_models),
    ]


def _steps(bits: dict[Hashable, int]) -> Iterator[tuple[int, int]]:
    """Yield the steps of a property that is measured in numbers, with their cells."""
    return ((step, own) for step, own in bits.items() if isinstance(step, int))


def _any(bits: Iterable[int]) -> int:
    found = 0
    for own in bits:
        found |= own
    return found

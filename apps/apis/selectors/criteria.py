"""What somebody asks the catalogue for: one reading of it for pages and REST."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from apps.apis.constants import MAX_TAG_LENGTH_CHARS
from apps.apis.models import Category
from apps.apis.selectors.categories import get_category
from apps.apis.selectors.words import words_of
from apps.core.exceptions import InvalidInput

# Counts are kept for these steps; any other would have to be counted over the whole catalogue.
RATING_CHOICES: Final = (Decimal(3), Decimal("3.5"), Decimal(4), Decimal("4.5"))
LATENCY_CHOICES_MS: Final = (50, 100, 250, 500, 1000)
# As in `apps.pricing.enums.PriceModel`, which this app may not import.
PRICE_MODELS: Final = (
    "flat",
    "per_unit",
    "graduated",
    "volume",
    "package",
    "percentage",
    "graduated_percentage",
)
MAX_QUERY_LENGTH: Final = 200
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class Sort(TextChoices):
    """What comes first."""

    RELEVANCE = "relevance", pgettext_lazy("sort", "Best match")
    TRENDING = "trending", pgettext_lazy("sort", "Trending")
    POPULAR = "popular", pgettext_lazy("sort", "Most used")
    RATING = "rating", pgettext_lazy("sort", "Best rated")
    NEWEST = "newest", pgettext_lazy("sort", "Newest")
    LATENCY = "latency", pgettext_lazy("sort", "Fastest")
    PRICE = "price", pgettext_lazy("sort", "Lowest price")


@dataclass(frozen=True, slots=True)
class Criteria:
    """A search with its filters; nothing given means everything, newest first."""

    text: str = ""
    category: Category | None = None
    tag: str = ""
    price_model: str = ""
    is_free: bool = False
    min_rating: Decimal | None = None
    max_latency_ms: int | None = None
    sort: str = ""
    # Of the order by price: amounts of other currencies are not compared with it.
    currency: str = ""

    @property
    def words(self) -> list[str]:
        """What is searched for."""
        return words_of(self.text)

    @property
    def order(self) -> Sort:
        """What comes first: as asked, else best matches if there is something to match, else the newest."""
        sort = Sort(self.sort) if self.sort else Sort.RELEVANCE
        return Sort.NEWEST if sort is Sort.RELEVANCE and not self.words else sort

    @property
    def filters(self) -> frozenset[str]:
        """The names of the filters that narrow the catalogue; a tag is searched for, like a word."""
        given = {
            "category": self.category is not None,
            "price_model": bool(self.price_model),
            "free": self.is_free,
            "rating": self.min_rating is not None,
            "latency": self.max_latency_ms is not None,
        }
        return frozenset(name for name, is_given in given.items() if is_given)


def parse_criteria(parameters: Mapping[str, str], *, category: Category | None = None) -> Criteria:
    """Read the parameters of an address; empty ones count as absent.

    Raises:
        InvalidInput: a value that the catalogue does not know, naming its parameter and what may be given.
        NotFound: there is no such category.
    """
    given = {name: value.strip() for name, value in parameters.items()}
    slug = given.get("category", "")
    if category is None and slug:
        category = get_category(slug)
    rating = _choice(given, "rating", map(str, RATING_CHOICES))
    latency = _choice(given, "latency", map(str, LATENCY_CHOICES_MS))
    return Criteria(
        text=given.get("q", "")[:MAX_QUERY_LENGTH],
        category=category,
        tag=given.get("tag", "").lower()[:MAX_TAG_LENGTH_CHARS],
        price_model=_choice(given, "price_model", PRICE_MODELS),
        is_free=_choice(given, "free", ("true", "false")) == "true",
        min_rating=Decimal(rating) if rating else None,
        max_latency_ms=int(latency) if latency else None,
        sort=_choice(given, "sort", Sort.values),
        currency=_currency(given),
    )


def _currency(given: Mapping[str, str]) -> str:
    value = given.get("currency", "").upper()
    if value and not _CURRENCY.fullmatch(value):
        raise InvalidInput(_("Give a currency as three letters, like EUR."), field="currency")
    return value


def _choice(given: Mapping[str, str], name: str, allowed: Iterable[str]) -> str:
    value = given.get(name, "")
    known = list(allowed)
    if value and value not in known:
        detail = _("Unknown value for “%(name)s”. Choose from: %(values)s.")
        raise InvalidInput(detail % {"name": name, "values": ", ".join(known)}, field=name)
    return value

"""Reads of this app: the provider's own APIs, and the catalogue that everybody sees."""

from apps.apis.selectors.categories import (
    get_category,
    list_categories,
    list_categories_with_counts,
)
from apps.apis.selectors.criteria import (
    LATENCY_CHOICES_MS,
    PRICE_MODELS,
    RATING_CHOICES,
    Criteria,
    Sort,
    parse_criteria,
)
from apps.apis.selectors.listings import (
    find_current_version,
    find_latest_check,
    get_own_api,
    get_own_secret,
    get_readable_api,
    has_healthy_upstream,
    list_callable_endpoints,
    list_catalogue,
    list_endpoints,
    list_own_apis,
    list_public_versions,
    list_sitemap_rows,
    was_ever_submitted,
)
from apps.apis.selectors.search import (
    Results,
    list_featured,
    list_newest,
    list_trending,
    next_featured_position,
    search_catalogue,
)
from apps.apis.selectors.shelves import Shelf, Shelves, list_shelves, load_shelves, renew_shelves
from apps.apis.selectors.tally import Facets
from apps.apis.selectors.words import SEARCH_CONFIG

__all__ = (
    "LATENCY_CHOICES_MS",
    "PRICE_MODELS",
    "RATING_CHOICES",
    "SEARCH_CONFIG",
    "Criteria",
    "Facets",
    "Results",
    "Shelf",
    "Shelves",
    "Sort",
    "find_current_version",
    "find_latest_check",
    "get_category",
    "get_own_api",
    "get_own_secret",
    "get_readable_api",
    "has_healthy_upstream",
    "list_callable_endpoints",
    "list_catalogue",
    "list_categories",
    "list_categories_with_counts",
    "list_endpoints",
    "list_featured",
    "list_newest",
    "list_own_apis",
    "list_public_versions",
    "list_shelves",
    "list_sitemap_rows",
    "list_trending",
    "load_shelves",
    "next_featured_position",
    "parse_criteria",
    "renew_shelves",
    "search_catalogue",
    "was_ever_submitted",
)

"""Reads of this app: the provider's own APIs, and the catalogue that everybody sees."""

from __future__ import annotations

import re
from typing import Any, Final

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Count, F, Q, QuerySet

from apps.apis.constants import HEALTH_CHECK_VALID_FOR
from apps.apis.enums import CALLABLE_STATUSES, ApiStatus, Visibility
from apps.apis.models import Api, ApiVersion, Category, Endpoint, HealthCheck, UpstreamSecret
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound

SEARCH_CONFIG: Final = "simple"
MAX_SEARCH_WORDS: Final = 8
_WORD: Final = re.compile(r"\w+")


def list_categories() -> QuerySet[Category]:
    """Return all categories in the operator's order."""
    return Category.objects.all()


def list_categories_with_counts() -> QuerySet[Category]:
    """Return all categories with `api_count`, the number of APIs that the catalogue lists in each."""
    return _counted(Category.objects.all())


def list_filled_categories() -> QuerySet[Category]:
    """Return the categories that have something to show, with `api_count`."""
    return _counted(Category.objects.all()).filter(api_count__gt=0)


def _counted(rows: QuerySet[Category]) -> QuerySet[Any]:
    listed = Q(apis__status__in=CALLABLE_STATUSES, apis__visibility=Visibility.PUBLIC)
    # A query that groups forgets the model's own order.
    return rows.annotate(api_count=Count("apis", filter=listed)).order_by("position", "name")


def get_category(slug: str) -> Category:
    """Return a category by its slug.

    Raises:
        NotFound: there is none.
    """
    category = Category.objects.filter(slug=slug).first()
    if category is None:
        raise NotFound
    return category


# --- the catalogue ------------------------------------------------------------------------------


def list_catalogue() -> QuerySet[Api]:
    """Return what the public catalogue shows, newest first."""
    return (
        Api.objects.listed()
        .select_related("category", "organization")
        .order_by("-activated_at", "-id")
    )


def search_catalogue(text: str = "", *, category: Category | None = None) -> QuerySet[Api]:
    """Search the catalogue: every word must occur as the beginning of a word, best matches first.

    An empty text gives the whole catalogue, newest first.
    """
    rows = list_catalogue()
    if category is not None:
        rows = rows.filter(category=category)
    query = prefix_query(text)
    if query is None:
        return rows
    matching = rows.filter(search=query).annotate(rank=SearchRank(F("search"), query))
    return matching.order_by("-rank", "-activated_at", "-id")


def prefix_query(text: str) -> SearchQuery | None:
    """Return a query that finds words by their beginnings; nothing to search for gives `None`."""
    words = _WORD.findall(text.lower())[:MAX_SEARCH_WORDS]
    if not words:
        return None
    # Only word characters reach the query, so no operator of its language can.
    return SearchQuery(
        " & ".join(f"'{word}':*" for word in words), config=SEARCH_CONFIG, search_type="raw"
    )


def get_readable_api(actor: Actor, slug: str) -> Api:
    """Return an API that the actor may open by its address.

    Raises:
        NotFound: unknown, not live, or private to somebody else.
    """
    rows = Api.objects.readable_by(actor).select_related("category", "organization")
    api = rows.filter(slug=slug).first()
    if api is None:
        raise NotFound
    return api


# --- the provider's side ------------------------------------------------------------------------


def list_own_apis(actor: Actor) -> QuerySet[Api]:
    """Return the APIs of the actor's organization, newest first."""
    if actor.organization_id is None:
        return Api.objects.none()
    return Api.objects.filter(organization_id=actor.organization_id).select_related("category")


def get_own_api(actor: Actor, public_id: str) -> Api:
    """Return an API of the actor's organization.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    rows = Api.objects.select_related("category", "organization")
    return rows.get_visible(actor, public_id)


def get_own_secret(actor: Actor, api: Api, public_id: str) -> UpstreamSecret:
    """Return an upstream secret of an API that the actor may see.

    Raises:
        NotFound: unknown, or of another API.
    """
    found = [row for row in api.upstream_secrets.all() if row.public_id == public_id]
    if not found or not Api.objects.visible_to(actor).filter(pk=api.pk).exists():
        raise NotFound
    return found[0]


def find_current_version(api: Api) -> ApiVersion | None:
    """Return the version whose documents are shown, if one was imported."""
    return api.versions.filter(is_current=True).first()


def list_endpoints(api: Api) -> QuerySet[Endpoint]:
    """Return the operations of the current version, in the document's order."""
    return Endpoint.objects.filter(version__api=api, version__is_current=True)


def find_latest_check(api: Api) -> HealthCheck | None:
    """Return the newest health check of the upstream as it is configured now."""
    return api.health_checks.filter(url=api.health_url).first()


def has_healthy_upstream(api: Api) -> bool:
    """Whether the upstream as it is configured now answered well within the last hour."""
    check = find_latest_check(api)
    return (
        check is not None
        and check.is_healthy
        and check.checked_at > clock.now() - HEALTH_CHECK_VALID_FOR
    )


def was_ever_submitted(api: Api) -> bool:
    """Whether the API's address was shown to an approver, so that it may not change any more."""
    return api.status_changes.filter(to_status=ApiStatus.SUBMITTED).exists()

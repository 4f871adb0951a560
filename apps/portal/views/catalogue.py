"""The public pages of finding an API: home, catalogue, and its categories."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.apis import selectors
from apps.apis.models import Category
from apps.portal import seo
from apps.portal.facets import FacetLinks

PAGE_SIZE: Final = 24
HOME_ROW: Final = 6
FILTERS: Final = ("category", "tag", "price_model", "free", "rating", "latency", "currency")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what is on offer and how to begin."""
    description = _("Find an API, subscribe to a plan, and call it with one key.")
    context = {
        "shelves": [shelf for shelf in selectors.list_shelves() if shelf.api_count],
        "featured": selectors.list_featured(HOME_ROW),
        "trending": selectors.list_trending(HOME_ROW),
        "newest": selectors.list_newest(HOME_ROW),
        "gateway_url": settings.GATEWAY_URL,
        "seo": seo.home_facts(title=settings.MARKETPLACE_NAME, description=description),
    }
    return render(request, "catalogue/home.html", context)


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Search the catalogue; the whole state is in the URL (`q`, the filters, `sort`, `page`)."""
    return _results_page(request, request.GET, category=None)


@require_safe
def category_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one category under an address of its own; searching in it goes on in the catalogue."""
    query = request.GET.copy()
    query["category"] = slug
    return _results_page(request, query, category=selectors.get_category(slug))


def _results_page(
    request: HttpRequest, query: QueryDict, *, category: Category | None
) -> HttpResponse:
    criteria = selectors.parse_criteria(
        {name: str(query[name]) for name in query}, category=category
    )
    results = selectors.search_catalogue(criteria)
    sorts = [choice for choice in selectors.Sort if choice != "relevance" or criteria.words]
    wanted = query.get("page", "")
    results.reach((int(wanted) if wanted.isdecimal() else 1) * PAGE_SIZE)
    page = Paginator(results, PAGE_SIZE).get_page(wanted)
    context = {
        "criteria": criteria,
        "query": criteria.text,
        "results": results,
        "page": page,
        "groups": FacetLinks(results, query, reverse("portal:catalogue")).groups(
            selectors.list_categories()
        ),
        "sorts": sorts,
        # A new search keeps the filters: hidden fields of its form.
        "kept": [(name, query[name]) for name in FILTERS if query.get(name)],
    }
    if request.headers.get("HX-Target") == "results":
        return render(request, "catalogue/_results.html", context)
    narrowing = [name for name in ("q", "sort", *FILTERS) if query.get(name)]
    facts = seo.catalogue_facts(
        category=criteria.category,
        page=page.number,
        is_filtered=bool(set(narrowing) - {"category"}),
    )
    return render(request, "catalogue/list.html", {**context, "seo": facts})

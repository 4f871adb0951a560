"""The public pages: home, catalogue, and an API's own page."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.apis import selectors
from apps.core.actors import Actor
from apps.portal.panels import plans_panel

PAGE_SIZE: Final = 24
NEWEST_COUNT: Final = 6


def _actor_of(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by ActorMiddleware
    return actor


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what is on offer and how to begin."""
    context = {
        "categories": selectors.list_filled_categories(),
        "newest": selectors.list_catalogue()[:NEWEST_COUNT],
        "gateway_url": settings.GATEWAY_URL,
    }
    return render(request, "catalogue/home.html", context)


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Search the catalogue; the whole state is in the URL (`q`, `category`, `page`)."""
    words = request.GET.get("q", "").strip()
    slug = request.GET.get("category", "")
    category = selectors.get_category(slug) if slug else None
    found = Paginator(selectors.search_catalogue(words, category=category), PAGE_SIZE)
    context = {
        "query": words,
        "category": category,
        "categories": selectors.list_filled_categories(),
        "page": found.get_page(request.GET.get("page")),
    }
    template = (
        "catalogue/_results.html"
        if request.headers.get("HX-Target") == "results"
        else "catalogue/list.html"
    )
    return render(request, template, context)


@require_safe
def api_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an API to whoever may read it: what it does, its operations, its plans."""
    actor = _actor_of(request)
    api = selectors.get_readable_api(actor, slug)
    catalogue_url = reverse("portal:catalogue")
    panel = plans_panel(api, actor)
    context = {
        "api": api,
        "version": selectors.find_current_version(api),
        "endpoints": list(selectors.list_endpoints(api)),
        "plans": panel,
        "is_own": actor.organization_id == api.organization_id,
        "crumbs": [
            (_("APIs"), catalogue_url),
            (api.category.name, f"{catalogue_url}?category={api.category.slug}"),
            (api.name, ""),
        ],
        **(panel.context if panel else {}),
    }
    return render(request, "catalogue/api.html", context)

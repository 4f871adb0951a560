"""An API's own public pages: what it does and costs, and its reference."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.apis import selectors
from apps.apis.health_history import list_days
from apps.apis.models import Api
from apps.apis.provider_selectors import list_required_headers
from apps.apis.reference import build_reference
from apps.core.actors import Actor
from apps.portal import seo
from apps.portal.call_snippets import gateway_address
from apps.portal.panels import plans_panel, reviews_panel


def _actor_of(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by ActorMiddleware
    return actor


@require_safe
def api_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an API to whoever may read it: what it does, its operations, its plans, how it has been."""
    actor = _actor_of(request)
    api = selectors.get_readable_api(actor, slug)
    plans, reviews = plans_panel(api, actor), reviews_panel(api, actor)
    versions = list(selectors.list_public_versions(api))
    context = {
        "api": api,
        "facts": getattr(api, "facts", None),
        "version": next((row for row in versions if row.is_current), None),
        "versions": versions,
        "endpoints": list(selectors.list_endpoints(api)),
        "days": list_days(api),
        "plans": plans,
        "reviews": reviews,
        "is_own": actor.organization_id == api.organization_id,
        "required_headers": list(list_required_headers(api)),
        "crumbs": [*_crumbs(api), (api.name, "")],
        "seo": seo.api_facts(
            api, path=request.path, title=api.name, description=api.short_description
        ),
        **(plans.context if plans else {}),
        **(reviews.context if reviews else {}),
    }
    return render(request, "catalogue/api.html", context)


@require_safe
def reference(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how each operation of an API is called: parameters, bodies, answers, and code to copy."""
    actor = _actor_of(request)
    api = selectors.get_readable_api(actor, slug)
    version = selectors.find_current_version(api)
    document = version.openapi if version else None
    pages = build_reference(
        list(selectors.list_endpoints(api)),
        document=document if isinstance(document, dict) else {},
        base_url=gateway_address(api),
        headers=[row.name for row in api.required_headers.all()],
        group=request.GET.get("group", ""),
    )
    title = _("%(name)s: reference") % {"name": api.name}
    context: dict[str, Any] = {
        "api": api,
        "version": version,
        "reference": pages,
        "base_url": gateway_address(api),
        "crumbs": [
            *_crumbs(api),
            (api.name, reverse("portal:api", args=[api.slug])),
            (_("Reference"), ""),
        ],
        "seo": seo.api_facts(
            api,
            path=request.path,
            title=title,
            description=_("How each operation of %(name)s is called.") % {"name": api.name},
        ),
    }
    return render(request, "catalogue/reference.html", context)


def _crumbs(api: Api) -> list[tuple[str, str]]:
    return [
        (_("APIs"), reverse("portal:catalogue")),
        (api.category.name, seo.category_path(api.category)),
    ]

"""Editing an API: what the catalogue shows, its logo, and where calls go."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis import provider_selectors, selectors, services
from apps.apis.constants import MANAGE
from apps.apis.forms import ListingForm, LogoForm, UpstreamForm
from apps.apis.models import Api, ApiUpdate
from apps.core.forms import refusals_on
from apps.core.http_client import refuse_inner_name
from apps.portal.upstream_warning import warn_if_unreachable

LIST_ROUTE = "portal:provider_apis"
PAGE_ROUTE = "portal:provider_api"


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def listing(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Change what the catalogue shows; `preview` shows the description without saving."""
    api = selectors.get_own_api(request.actor, api_id)
    fixed = selectors.was_ever_submitted(api)
    initial = {name: getattr(api, name) for name in ListingForm.base_fields}
    initial["tags"] = ", ".join(api.tags)
    form = ListingForm(request.POST or None, initial=initial, is_address_fixed=fixed)
    if "preview" in request.POST:
        form.is_valid()
        context = _context(api, form, title=_("Listing"))
        context["preview"] = form.cleaned_data.get("description", "")
        return render(request, "portal/provider/edit.html", context)
    return _edit(request, api, form, title=_("Listing"))


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def upstream(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Change where calls are forwarded to."""
    api = selectors.get_own_api(request.actor, api_id)
    initial = {name: getattr(api, name) for name in UpstreamForm.base_fields}
    initial["cors_origins"] = "\n".join(api.cors_origins)
    return _edit(
        request, api, UpstreamForm(request.POST or None, initial=initial), title=_("Upstream")
    )


def _context(api: Api, form: Any, *, title: str) -> dict[str, Any]:
    page_url = reverse(PAGE_ROUTE, args=[api.public_id])
    return {
        "status": api.status,
        "form": form,
        "title": title,
        "has_preview": isinstance(form, ListingForm),
        "crumbs": [(_("APIs"), reverse(LIST_ROUTE)), (api.name, page_url), (title, "")],
        "cancel_url": page_url,
    }


def _edit(
    request: ConsoleRequest, api: Api, form: ListingForm | UpstreamForm, *, title: str
) -> HttpResponse:
    # Made before the change is tried: a refused one leaves its values on the object.
    context = _context(api, form, title=title)
    before, upstream_url = provider_selectors.find_waiting_update(api), api.upstream_url
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            if "upstream_url" in form.changed_data:
                refuse_inner_name(form.cleaned_data["upstream_url"], field="upstream_url")
            services.update_api(api=api, fields=form.to_fields(), actor=request.actor)
            waiting = provider_selectors.find_waiting_update(api)
            _say_what_came_of_it(request, before, waiting)
            waits_for_upstream = waiting != before and "upstream_url" in form.changed_data
            if api.upstream_url != upstream_url or waits_for_upstream:
                warn_if_unreachable(request, api)
            return redirect(context["cancel_url"])
    return render(request, "portal/provider/edit.html", context)


def _say_what_came_of_it(
    request: ConsoleRequest, before: ApiUpdate | None, after: ApiUpdate | None
) -> None:
    if after is not None and after != before:
        said = _("Saved. What an approver must agree to waits until they have; see below.")
        messages.success(request, said)
    else:
        messages.success(request, _("Saved."))


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def logo(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Set or remove the listing's picture."""
    api = selectors.get_own_api(request.actor, api_id)
    form = LogoForm(request.POST or None, request.FILES or None)
    context = _context(api, form, title=_("Logo"))
    if "remove" in request.POST:
        services.remove_logo(api=api, actor=request.actor)
        messages.success(request, _("The logo is removed."))
        return redirect(context["cancel_url"])
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            url = form.cleaned_data.get("url") or ""
            content = services.fetch_logo(url) if url else form.read_file() or b""
            services.set_logo(api=api, content=content, actor=request.actor)
            messages.success(request, _("The logo is set."))
            return redirect(context["cancel_url"])
    context |= {"api": api, "has_logo": provider_selectors.find_logo(api) is not None}
    return render(request, "portal/provider/logo.html", context)

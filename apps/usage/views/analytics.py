"""The analytics pages: of a consumer's calls, and of the calls that a provider's APIs answered."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.usage import selectors
from apps.usage.analytics_page import Links, page_context
from apps.usage.costs import cost_outlooks
from apps.usage.enums import AnalyticsSide
from apps.usage.first_steps import first_step
from apps.usage.shown import shown_filters, shown_period

CONSUMER_TABLES: Final = ("subscription", "key", "endpoint", "status")
PROVIDER_TABLES: Final = ("api", "plan", "consumer", "endpoint", "country", "status")


@console_page("usage.read")
@require_GET
def overview(request: ConsoleRequest) -> HttpResponse:
    """Answer how much was called, how it went and what it costs; then by what, down to the calls."""
    organization = get_current_organization(request.actor)
    chosen, asked = shown_period(request, organization)
    filters = shown_filters(request, request.actor, AnalyticsSide.CONSUMER)
    links = Links(chosen, filters, reverse("usage:calls"))
    page = page_context(selectors.consumer_scope(organization), links, CONSUMER_TABLES)
    context = {
        **page,
        **asked,
        "costs": cost_outlooks(request.actor),
        "late": selectors.late_calls(request.actor, chosen.period),
        "first": None if page["found"].now.calls else first_step(request.actor),
    }
    return render(request, "usage/overview.html", context)


@console_page("apis.read")
@require_GET
def provider(request: ConsoleRequest) -> HttpResponse:
    """Answer how much the organization's APIs are called and how that went, then by what."""
    organization = get_current_organization(request.actor)
    chosen, asked = shown_period(request, organization)
    filters = shown_filters(request, request.actor, AnalyticsSide.PROVIDER)
    links = Links(chosen, filters, reverse("usage:provider_calls"))
    context = {
        **page_context(selectors.provider_scope(organization), links, PROVIDER_TABLES),
        **asked,
        "has_apis": selectors.provided_apis(request.actor).exists(),
    }
    return render(request, "usage/provider.html", context)


@console_page("apis.read")
@require_GET
def provider_api(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Answer the same for one API."""
    api = selectors.get_provided_api(request.actor, api_id)
    organization = get_current_organization(request.actor)
    chosen, asked = shown_period(request, organization)
    filters = [
        *selectors.choose_filters(request.actor, AnalyticsSide.PROVIDER, {"api_id": api.public_id}),
        *(
            item
            for item in shown_filters(request, request.actor, AnalyticsSide.PROVIDER)
            if item.name != "api_id"
        ),
    ]
    links = Links(chosen, filters, reverse("usage:provider_calls"))
    context = page_context(selectors.provider_scope(organization), links, PROVIDER_TABLES)
    context |= {
        **asked,
        "api": api,
        "chips": context["chips"][1:],  # the API is the page's heading
        "crumbs": [(_("Analytics"), reverse("usage:provider")), (api.name, "")],
    }
    return render(request, "usage/provider_api.html", context)

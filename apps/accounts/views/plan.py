"""The organization's plan of the platform: what it has, what is left, and how the plans compare."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts import selectors
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.platform_plans.overview import plan_overview


@console_page("organization.read")
@require_GET
def plan(request: ConsoleRequest) -> HttpResponse:
    """Show the plan; `for` names the limit or feature that somebody came for."""
    organization = selectors.get_current_organization(request.actor)
    context = {
        "organization": organization,
        "overview": plan_overview(organization.pk),
        "wanted": request.GET.get("for", ""),
    }
    return render(request, "accounts/plan.html", context)

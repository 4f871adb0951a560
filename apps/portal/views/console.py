"""The console's start page: for each hat, what is there and what needs its wearer."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.portal.dashboards import console_overview


@console_page()
@require_safe
def home(request: ConsoleRequest) -> HttpResponse:
    """Show what waits, what is subscribed to, what is provided, and what was told lately."""
    return render(request, "portal/console.html", {"overview": console_overview(request.actor)})

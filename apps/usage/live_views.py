"""Portal pages of the last minutes; the part that changes asks for itself every three seconds."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.usage.live_pages import live_context
from apps.usage.selectors.live import live_calls_of_consumer, live_calls_of_provider


@console_page("usage.read")
@never_cache
@require_safe
def live(request: ConsoleRequest) -> HttpResponse:
    """Answer what the organization calls right now."""
    context = {
        **_consumer(request),
        "crumbs": [(_("Usage"), reverse("usage:overview")), (_("Live"), "")],
    }
    return render(request, "usage/live.html", context)


@console_page("usage.read")
@never_cache
@require_safe
def live_now(request: ConsoleRequest) -> HttpResponse:
    """Answer the part of the consumer's page that changes."""
    return render(request, "usage/_live.html", _consumer(request))


@console_page("apis.read")
@never_cache
@require_safe
def provider_live(request: ConsoleRequest) -> HttpResponse:
    """Answer how the organization's APIs are called right now."""
    context = {
        **_provider(request),
        "crumbs": [(_("Analytics"), reverse("usage:provider")), (_("Live"), "")],
    }
    return render(request, "usage/live.html", context)


@console_page("apis.read")
@never_cache
@require_safe
def provider_live_now(request: ConsoleRequest) -> HttpResponse:
    """Answer the part of the provider's page that changes."""
    return render(request, "usage/_live.html", _provider(request))


def _consumer(request: ConsoleRequest) -> dict[str, Any]:
    found = live_calls_of_consumer(request.actor)
    return live_context(found, request, url=reverse("usage:live_now"))


def _provider(request: ConsoleRequest) -> dict[str, Any]:
    found = live_calls_of_provider(request.actor)
    return live_context(found, request, url=reverse("usage:provider_live_now"))

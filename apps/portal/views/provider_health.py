"""The provider's page of an upstream's health: how it is, how it was, and what is probed."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis import selectors
from apps.apis.constants import MANAGE
from apps.apis.health_forms import HealthPolicyForm
from apps.apis.health_history import DayOfHealth, health_history, list_checks
from apps.apis.models import Api
from apps.apis.services.monitoring import set_health_policy
from apps.core import formatting
from apps.core.forms import refusals_on
from apps.core.plots import Plot, PlotData, Series, draw_lines

CHECKS_PER_PAGE: Final = 20


@console_page("apis.read")
@require_http_methods(["GET", "HEAD", "POST"])
def health(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Show an upstream's health; a POST changes what is probed."""
    api = selectors.get_own_api(request.actor, api_id)
    can_manage = request.actor.can(MANAGE)
    form = HealthPolicyForm(request.POST or None, instance=api)
    if request.method == "POST" and can_manage and form.is_valid():
        with refusals_on(form):
            set_health_policy(
                api=selectors.get_own_api(request.actor, api_id),
                path=form.cleaned_data["health_path"],
                expected_status=form.cleaned_data["health_expected_status"],
                interval_s=form.cleaned_data["health_interval_s"],
                actor=request.actor,
            )
        if form.is_valid():
            messages.success(request, _("Saved; the next check is due at once."))
            return redirect("portal:provider_api_health", api.public_id)
    history = health_history(api)
    pages = Paginator(list_checks(api), CHECKS_PER_PAGE)
    context = {
        "api": api,
        "history": history,
        "plot": _latency_plot(history.days),
        "page": pages.get_page(request.GET.get("page")),
        "form": form,
        "can_manage": can_manage,
        "crumbs": _crumbs(api),
    }
    return render(request, "portal/provider/health.html", context)


def _latency_plot(days: list[DayOfHealth]) -> Plot:
    def values(name: str) -> list[Decimal | None]:
        found = (getattr(day, name) for day in days)
        return [None if value is None else Decimal(value) for value in found]

    return draw_lines(
        PlotData(
            _("Latency by day"),
            _("Median and 95th percentile of the checks that succeeded, in milliseconds."),
            [formatting.format_day(day.day, "short") for day in days],
            [
                Series(_("median"), values("latency_p50_ms")),
                Series(_("95th percentile"), values("latency_p95_ms")),
            ],
            "ms",
        )
    )


def _crumbs(api: Api) -> list[tuple[str, str]]:
    return [
        (_("APIs"), reverse("portal:provider_apis")),
        (api.name, reverse("portal:provider_api", args=[api.public_id])),
        (_("Upstream health"), ""),
    ]

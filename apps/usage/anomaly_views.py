"""Portal pages of anomalies: what was unusual, and how much difference is told."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.enums import PlatformFeature
from apps.accounts.platform_plans.gates import has_feature, upgrade_url
from apps.accounts.selectors import get_current_organization
from apps.usage.anomaly_pages import draw_anomaly
from apps.usage.budget_series import subscribed_apis
from apps.usage.enums import Sensitivity
from apps.usage.selectors import provided_apis
from apps.usage.selectors.anomalies import get_anomaly, list_anomalies, list_anomaly_settings
from apps.usage.services.anomalies import set_anomaly_sensitivity

PAGE_SIZE: Final = 25
MANAGE: Final = "subscriptions.manage"


class SensitivityForm(forms.Form):
    """How much difference is told, of which API."""

    api = forms.ChoiceField(label=gettext_lazy("API"), required=False)
    sensitivity = forms.ChoiceField(
        label=gettext_lazy("Sensitivity"),
        choices=Sensitivity.choices,
        initial=Sensitivity.NORMAL,
        help_text=gettext_lazy("High tells smaller differences; off tells nothing."),
    )

    def __init__(self, data: Any, *, request: ConsoleRequest) -> None:
        """Offer the APIs that the organization calls or provides."""
        super().__init__(data)
        known = {api.public_id: api for api in subscribed_apis(request.actor)}
        known.update({api.public_id: api for api in provided_apis(request.actor)})
        self.apis = known
        offered = [("", _("All APIs")), *((key, api.name) for key, api in known.items())]
        self.fields["api"].choices = offered  # type: ignore[attr-defined]  # a ChoiceField


@console_page("usage.read")
@require_http_methods(["GET", "HEAD", "POST"])
def anomalies(request: ConsoleRequest) -> HttpResponse:
    """Answer whether something is unusual now; then what was. A POST chooses how much is told."""
    form = SensitivityForm(request.POST or None, request=request)
    can_manage = request.actor.can(MANAGE)
    if request.method == "POST" and can_manage and form.is_valid():
        set_anomaly_sensitivity(
            organization=get_current_organization(request.actor),
            api=form.apis.get(form.cleaned_data["api"]),
            sensitivity=form.cleaned_data["sensitivity"],
            actor=request.actor,
        )
        messages.success(request, _("The sensitivity is set."))
        return redirect("usage:anomalies")
    rows = list_anomalies(request.actor)
    context = {
        "running": rows.filter(resolved_at__isnull=True),
        "page_obj": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "settings": list(list_anomaly_settings(request.actor)),
        "form": form,
        "can_manage": can_manage,
        "upgrade_url": _missing_alerts(request),
        "crumbs": [(_("Usage"), reverse("usage:overview")), (_("Anomalies"), "")],
    }
    return render(request, "usage/anomalies.html", context, status=422 if form.errors else 200)


@console_page("usage.read")
@require_GET
def anomaly(request: ConsoleRequest, anomaly_id: str) -> HttpResponse:
    """Show one incident against what was expected."""
    found = get_anomaly(request.actor, anomaly_id)
    context = {
        "anomaly": found,
        "plot": draw_anomaly(found),
        "crumbs": [
            (_("Usage"), reverse("usage:overview")),
            (_("Anomalies"), reverse("usage:anomalies")),
            (found.api.name, ""),
        ],
    }
    return render(request, "usage/anomaly.html", context)


def _missing_alerts(request: ConsoleRequest) -> str:
    """Return where to get these alerts; empty where the organization's plan includes them."""
    organization_id = request.actor.organization_id
    feature = PlatformFeature.ANOMALY_ALERTS
    if organization_id is None or has_feature(organization_id, feature):
        return ""
    return upgrade_url(feature.value)

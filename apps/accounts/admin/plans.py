"""The back office's page of an organization's plan of the platform."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import Organization
from apps.accounts.platform_plans.overview import plan_overview
from apps.accounts.platform_plans.registry import current_plans, default_plan
from apps.accounts.services import set_platform_plan
from apps.core.admin import staff_actor
from apps.core.exceptions import Forbidden, NotFound
from apps.core.forms import refusals_on

OPERATOR = "operator"
PAGE = "admin:accounts_organization_plan"


class GivePlanForm(forms.Form):
    """Which plan an organization gets, until when, and why."""

    plan = forms.ChoiceField(label=gettext_lazy("Plan"), required=False)
    until = forms.DateTimeField(
        label=gettext_lazy("Holds until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy(
            "Empty: for good. After it the smallest plan holds, and what needs more is refused."
        ),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)

    def __init__(self, data: Any = None, **options: Any) -> None:
        """Offer the plans of the file."""
        super().__init__(data, **options)
        default = _("The default plan (%(name)s)") % {"name": default_plan().name}
        offered = [(plan.key, plan.name) for plan in current_plans().plans]
        self.fields["plan"].choices = [("", default), *offered]  # type: ignore[attr-defined]  # a ChoiceField


def plan_page(request: HttpRequest, organization_id: str, site: AdminSite) -> HttpResponse:
    """Show an organization's plan with what it uses; a POST gives it another."""
    actor = staff_actor(request)
    if not actor.has_staff_role(OPERATOR):
        raise Forbidden(required=f"staff:{OPERATOR}")
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise NotFound
    given = {"plan": organization.platform_plan, "until": organization.platform_plan_until}
    form = GivePlanForm(request.POST or None, initial=given)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            set_platform_plan(organization=organization, actor=actor, **form.cleaned_data)
            messages.success(request, _("The plan holds from now on."))
            return redirect(PAGE, organization_id=organization.pk)
    context = {
        **site.each_context(request),
        "title": _("Plan of the platform"),
        "opts": Organization._meta,
        "organization": organization,
        "overview": plan_overview(organization.pk),
        "form": form,
    }
    page = TemplateResponse(request, "accounts/backoffice_plan.html", context)
    page.status_code = 422 if form.errors else 200
    return page

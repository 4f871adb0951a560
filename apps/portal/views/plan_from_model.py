"""A plan from one of the operator's pricing models: chosen, named, and followed if wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis.selectors import list_own_apis
from apps.core.forms import refusals_on
from apps.pricing import services
from apps.pricing.catalogue_selectors import ModelOnOffer, list_models_on_offer
from apps.pricing.models import Plan
from apps.pricing.plan_forms import PlanFromModelForm


class _Choice(NamedTuple):
    """What a valid form asks for."""

    offer: ModelOnOffer
    form: PlanFromModelForm


@console_page("plans.manage")
@require_http_methods(["GET", "POST"])
def create_from_model(request: ConsoleRequest) -> HttpResponse:
    """Show the models with their prices; make a draft of the one that was chosen."""
    offers = list_models_on_offer()
    form = PlanFromModelForm(
        request.POST or None, apis=list_own_apis(request.actor), models=[o.model for o in offers]
    )
    if request.method == "POST" and form.is_valid():
        chosen = next(o for o in offers if o.model.key == form.cleaned_data["model"])
        with refusals_on(form):
            plan = _create(request, _Choice(chosen, form))
            messages.success(request, _("The plan is a draft; publish it when it is ready."))
            return redirect("portal:provider_plan", plan.public_id)
    crumbs = [
        (_("Plans"), reverse("portal:provider_plans")),
        (_("New plan"), reverse("portal:provider_plan_create")),
        (_("From a pricing model"), ""),
    ]
    context = {"form": form, "offers": offers, "crumbs": crumbs}
    return render(request, "pricing/from_model.html", context)


def _create(request: ConsoleRequest, choice: _Choice) -> Plan:
    given = choice.form.cleaned_data
    draft = services.plan_draft_of(services.newest_version_of(choice.offer.model))
    position = Plan.objects.filter(api=given["api"]).count()
    return services.create_plan_from_model(
        api=given["api"],
        model=choice.offer.model,
        draft=replace(draft, name=given["name"] or draft.name, position=position),
        follow=given["follow"],
        actor=request.actor,
    )

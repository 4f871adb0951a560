"""Which of the operator's pricing models a plan follows: chosen, changed, or none any more."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.forms import refusals_on
from apps.pricing import selectors, services
from apps.pricing.catalogue_selectors import list_models_on_offer
from apps.pricing.plan_forms import FollowForm


@console_page("plans.manage")
@require_http_methods(["GET", "POST"])
def follow(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Show the models with their prices; let the plan follow the one that is chosen, from its next price on."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    page = reverse("portal:provider_plan", args=[plan.public_id])
    offers = list_models_on_offer()
    form = FollowForm(
        request.POST or None, models=[offer.model for offer in offers], present=plan.follows
    )
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            model = form.cleaned_data["model"]
            services.follow_model(plan=plan, model=model, actor=request.actor)
            messages.success(
                request,
                _("The plan follows “%(name)s” from its next price on.") % {"name": model.name}
                if model
                else _("The plan follows no pricing model."),
            )
            return redirect(page)
    crumbs = [
        (_("Plans"), reverse("portal:provider_plans")),
        (plan.name, page),
        (_("Follow a pricing model"), ""),
    ]
    context = {"form": form, "offers": offers, "plan": plan, "crumbs": crumbs}
    return render(request, "pricing/follow.html", context)

"""Changing the plan of a subscription: choose, see what it costs, confirm; and taking a planned change back."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.exceptions import DomainError
from apps.portal.moves import carry_out
from apps.pricing.models import Plan
from apps.pricing.selectors import current_version_of, list_offered_plans
from apps.pricing.summaries import PriceSummary, summary_of
from apps.subscriptions import selectors, services
from apps.subscriptions.change_quotes import ChangeQuote
from apps.subscriptions.models import Subscription
from apps.subscriptions.plan_change_forms import PlanChangeForm

MANAGE: Final = "subscriptions.manage"
PAGE_ROUTE: Final = "portal:subscription"
ROUTE: Final = "portal:subscription_plan"


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def change(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Show the API's plans, then what the chosen one costs and brings, and change on confirmation."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    offers = _offers(subscription)
    is_asked = request.method == "POST" or "plan" in request.GET
    given = request.POST if request.method == "POST" else request.GET
    form = PlanChangeForm(
        given if is_asked else None,
        subscription=subscription,
        plans=[plan for plan, _price in offers],
    )
    quote = None
    if is_asked and form.is_valid():
        if request.method == "POST":
            return _carry_out(request, subscription, form)
        quote = _preview(request, subscription, form)
    context = {
        "subscription": subscription,
        "offers": offers,
        "form": form,
        "quote": quote,
        "lines": [(line, line.amount(quote.currency)) for line in quote.lines] if quote else [],
        "discounts": [(item, item.amount(quote.currency)) for item in quote.discounts]
        if quote
        else [],
        "crumbs": [
            (_("Subscriptions"), reverse("portal:subscriptions")),
            (subscription.api.name, reverse(PAGE_ROUTE, args=[subscription.public_id])),
            (_("Change plan"), ""),
        ],
    }
    status = 422 if is_asked and quote is None else 200
    return render(request, "subscriptions/plan_change.html", context, status=status)


@console_page(MANAGE)
@require_POST
def withdraw(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Take a planned change back."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.withdraw_planned_change(subscription=subscription, actor=request.actor),
        done=_("The plan stays as it is."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
    )


def _offers(subscription: Subscription) -> list[tuple[Plan, PriceSummary | None]]:
    """Return the plans that may be chosen, each with its price list."""
    plans = list_offered_plans(subscription.api, subscription.consumer_organization_id)
    found = [(plan, current_version_of(plan)) for plan in plans]
    return [(plan, summary_of(version)) for plan, version in found if version]


def _preview(
    request: ConsoleRequest, subscription: Subscription, form: PlanChangeForm
) -> ChangeQuote | None:
    try:
        return services.preview_change(
            subscription=subscription, wish=form.to_wish(), actor=request.actor
        )
    except DomainError as refusal:
        form.add_refusal(refusal)
        return None


def _carry_out(
    request: ConsoleRequest, subscription: Subscription, form: PlanChangeForm
) -> HttpResponse:
    try:
        services.change_plan(subscription=subscription, wish=form.to_wish(), actor=request.actor)
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect(reverse(ROUTE, args=[subscription.public_id]) + "?" + form.as_question())
    messages.success(request, _("Done. The subscription shows what changes and when."))
    return redirect(PAGE_ROUTE, subscription.public_id)

"""Subscribing: what is about to be agreed to, what it would cost, and the agreement."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.models import Workspace
from apps.core.exceptions import DomainError
from apps.portal.views.plan_estimates import FRAGMENT, PlanEstimate
from apps.portal.views.subscription_promotions import FirstBill
from apps.pricing.exceptions import PromotionRefused
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.selectors import (
    current_version_of,
    current_versions_of,
    get_choosable_plan,
    version_in,
)
from apps.pricing.summaries import summary_of
from apps.subscriptions import selectors, services
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.exceptions import AlreadySubscribed
from apps.subscriptions.models import Subscription

MANAGE: Final = "subscriptions.manage"
PAGE_ROUTE: Final = "portal:subscription"


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def subscribe(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Show what is about to be agreed to, then subscribe the current workspace."""
    plan = get_choosable_plan(request.actor, plan_id)
    workspace = selectors.own_workspace(request.actor)
    existing = selectors.find_live_subscription(workspace_id=workspace.pk, api_id=plan.api_id)
    offer = FirstBill.asked_by(request, plan)
    if request.method == "POST" and not offer.was_only_tried:
        try:
            made = services.subscribe(
                plan=plan,
                workspace=workspace,
                actor=request.actor,
                currency=request.POST.get("currency") or None,
                promotion_code=offer.code_to_redeem(),
            )
        except PromotionRefused as refusal:
            offer.refuse(str(refusal.detail))
            return _subscribe_page(request, plan, workspace, existing, offer, http_status=422)
        except AlreadySubscribed as refusal:
            messages.error(request, str(refusal.detail))
            return redirect(PAGE_ROUTE, refusal.extra["subscription_id"])
        except DomainError as refusal:
            messages.error(request, str(refusal.detail))
            return redirect("portal:api", plan.api.slug)
        messages.success(request, _welcome(made))
        return redirect(PAGE_ROUTE, made.public_id)
    return _subscribe_page(request, plan, workspace, existing, offer)


def _subscribe_page(  # noqa: PLR0917 -- what the page shows
    request: ConsoleRequest,
    plan: Plan,
    workspace: Workspace,
    existing: Subscription | None,
    offer: FirstBill,
    *,
    http_status: int = 200,
) -> HttpResponse:
    wanted = request.POST.get("currency") or request.GET.get("currency")
    version = version_in(plan, wanted or workspace.organization.currency) or current_version_of(
        plan
    )
    offer.version = version
    context = {
        "offer": offer,
        "plan": plan,
        "price": summary_of(version) if version else None,
        "currencies": [row.currency for row in current_versions_of(plan)],
        "estimate": PlanEstimate(request, plan, _from(version, plan)) if version else None,
        "workspace": workspace,
        "existing": existing,
        "crumbs": [
            (_("APIs"), reverse("portal:catalogue")),
            (plan.api.name, reverse("portal:api", args=[plan.api.slug])),
            (_("Subscribe"), ""),
        ],
    }
    if request.headers.get("HX-Target") == FRAGMENT:
        return render(request, "pricing/_bill.html", context)
    return render(request, "subscriptions/subscribe.html", context, status=http_status)


def _from(version: PriceVersion, plan: Plan) -> list[PriceVersion]:
    """Return the current prices, the one that is shown first."""
    others = [row for row in current_versions_of(plan) if row.pk != version.pk]
    return [version, *others]


def _welcome(subscription: Subscription) -> str:
    if subscription.status == SubscriptionStatus.PENDING_APPROVAL:
        return _("The provider decides on your subscription; you will hear of it.")
    return _("You are subscribed. Create a key to make your first call.")

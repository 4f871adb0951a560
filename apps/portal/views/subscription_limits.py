"""A subscription's limits: what is left of each now, when it resets, when it runs out, and the spend cap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.forms import refusals_on
from apps.gateway.quotas import live_quotas
from apps.portal.moves import carry_out
from apps.subscriptions import selectors, services
from apps.subscriptions.forms import SpendCapForm
from apps.subscriptions.models import Subscription
from apps.subscriptions.spend import current_cap
from apps.usage.caps import cap_standing
from apps.usage.standing import subscription_usage

READ: Final = "subscriptions.read"
MANAGE: Final = "subscriptions.manage"
PAGE_ROUTE: Final = "portal:subscription_limits"


@console_page(READ)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def limits(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Show everything that bounds the subscription's calls. A POST sets the spend cap."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    form = SpendCapForm(request.POST or None, subscription=subscription)
    if request.method == "POST" and request.actor.can(MANAGE) and form.is_valid():
        with refusals_on(form):
            services.set_spend_cap(
                subscription=subscription, amount=form.to_money(), actor=request.actor
            )
            return redirect(PAGE_ROUTE, subscription.public_id)
    page = reverse("portal:subscription", args=[subscription.public_id])
    context = {
        **_live_context(subscription),
        "subscription": subscription,
        "form": form,
        "has_cap": current_cap(subscription) is not None,
        "can_manage": request.actor.can(MANAGE) and not subscription.ended_at,
        "crumbs": [
            (_("Subscriptions"), reverse("portal:subscriptions")),
            (subscription.api.name, page),
            (_("Limits"), ""),
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "subscriptions/limits.html", context, status=status)


@console_page(READ)
@never_cache
@require_safe
def live(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Answer the part of the page that changes by itself."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    context = {**_live_context(subscription), "subscription": subscription}
    return render(request, "subscriptions/_limits_live.html", context)


@console_page(MANAGE)
@require_POST
def remove_cap(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Take the spend cap away."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.remove_spend_cap(subscription=subscription, actor=request.actor),
        done=_("The spend cap is removed."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
    )


def _live_context(subscription: Subscription) -> dict[str, Any]:
    quota = live_quotas([subscription]).get(subscription.public_id)
    if quota is None:
        return {"quota": None}
    usage = subscription_usage(subscription)
    top_ups = [
        row for row in subscription.quota_top_ups.all() if row.period_start == quota.period.start
    ]
    return {
        "quota": quota,
        "usage": usage,
        "top_ups": top_ups,
        "cap": cap_standing(subscription),
        "exhausted_at": usage.runs_out_at(quota.remaining) if quota.remaining else None,
        "cap_reached_at": usage.runs_out_at(quota.spend_remaining)
        if quota.spend_remaining
        else None,
        "resets_in": timedelta(seconds=quota.resets_in_s),
    }

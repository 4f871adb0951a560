"""The provider's subscribers: who, on which plan, and what waits for a decision."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.portal.moves import ask, carry_out
from apps.subscriptions import selectors, services
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.forms import ReasonForm
from apps.subscriptions.models import Subscription

READ: Final = "subscriptions.read"
MANAGE: Final = "plans.manage"
PAGE_SIZE: Final = 50
LIST_ROUTE: Final = "portal:provider_subscribers"


@console_page(READ)
@require_safe
def subscriber_list(request: ConsoleRequest) -> HttpResponse:
    """List the subscribers, those who wait for a decision first."""
    rows = selectors.list_subscribers(request.actor)
    waiting = rows.filter(status=SubscriptionStatus.PENDING_APPROVAL)
    others = rows.exclude(status=SubscriptionStatus.PENDING_APPROVAL)
    page = Paginator(others, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"waiting": waiting, "page": page, "can_manage": request.actor.can(MANAGE)}
    return render(request, "subscriptions/subscribers.html", context)


@console_page(MANAGE)
@require_POST
def accept(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Let a waiting subscription start."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.accept_subscription(subscription=subscription, actor=request.actor),
        done=_("The subscription has started."),
        back_to=reverse(LIST_ROUTE),
    )


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def decline(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Turn a waiting subscription down, with a reason."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    return _with_reason(
        request,
        subscription,
        services.decline_subscription,
        question=_("Decline %(name)s?"),
        effects=[_("Nothing is charged; they may subscribe again.")],
        verb=_("Decline"),
        done=_("The subscription was declined."),
    )


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def suspend(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Stop a subscription, with a reason."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    return _with_reason(
        request,
        subscription,
        services.suspend_subscription,
        question=_("Suspend the subscription of %(name)s?"),
        effects=[_("All their calls to this API are refused until you resume it.")],
        verb=_("Suspend"),
        done=_("The subscription is suspended."),
    )


@console_page(MANAGE)
@require_POST
def resume(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Let a suspended subscription work again."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.resume_subscription(subscription=subscription, actor=request.actor),
        done=_("The subscription works again."),
        back_to=reverse(LIST_ROUTE),
    )


def _with_reason(
    request: ConsoleRequest, subscription: Subscription, move: Any, *, done: str, **question: Any
) -> HttpResponse:
    """Ask for a reason, then do the move with it."""
    form = ReasonForm(request.POST or None)
    list_url = reverse(LIST_ROUTE)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: move(subscription=subscription, actor=request.actor, reason=reason),
            done=done,
            back_to=list_url,
        )
    name = {"name": subscription.consumer_organization.name}
    question["question"] = question["question"] % name
    return ask(request, form=form, cancel_url=list_url, **question)

"""The consumer's subscriptions: subscribing, the list, and the page of one with its keys."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.approvals.selectors import list_comments
from apps.core import clock
from apps.core.formatting import format_money
from apps.keys.enums import ENDED_STATUSES, KeyStatus
from apps.keys.selectors import count_counted_keys, list_keys
from apps.keys.stops import mark_stops
from apps.portal.call_snippets import curl_with_key, gateway_address
from apps.portal.moves import ask, carry_out
from apps.portal.views.subscription_promotions import promotions_context
from apps.pricing.summaries import summary_of
from apps.subscriptions import selectors, services
from apps.subscriptions.access_requests import find_open_access_request
from apps.subscriptions.cancellation_quotes import quote_cancellation
from apps.subscriptions.enums import CALLABLE_STATUSES, SubscriptionStatus
from apps.subscriptions.forms import AT_ONCE, AnswerForm, CancelForm, WithdrawForm
from apps.subscriptions.models import Subscription
from apps.subscriptions.plan_moves import find_coming_move
from apps.subscriptions.planned_changes import find_planned_change, recent_changes
from apps.subscriptions.transitions import SUBSCRIPTION
from apps.usage.standing import live_standings, subscription_usage

READ: Final = "subscriptions.read"
MANAGE: Final = "subscriptions.manage"
MANAGE_KEYS: Final = "keys.manage"
PAGE_SIZE: Final = 25
# The rest of a history has a page of its own.
SHOWN_CHANGES: Final = 10
LIST_ROUTE: Final = "portal:subscriptions"
PAGE_ROUTE: Final = "portal:subscription"


@console_page(READ)
@require_safe
def subscription_list(request: ConsoleRequest) -> HttpResponse:
    """List the subscriptions, each with its used and limit."""
    page = Paginator(selectors.list_subscriptions(request.actor), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    standings = live_standings(list(page))
    rows = [(row, standings[row.pk]) for row in page]
    return render(request, "subscriptions/list.html", {"page": page, "rows": rows})


@console_page(READ)
@require_safe
def subscription_page(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Show a subscription: used and limit first, then keys, how to call, the plan, what happened."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    return _page(request, subscription, AnswerForm())


@console_page(MANAGE)
@require_POST
def answer(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Answer the provider's question."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, subscription, form, http_status=422)
    return carry_out(
        request,
        lambda: services.answer_provider(
            subscription=subscription, actor=request.actor, answer=form.cleaned_data["answer"]
        ),
        done=_("Sent. The provider decides now."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
    )


def _page(
    request: ConsoleRequest,
    subscription: Subscription,
    answer_form: AnswerForm,
    *,
    http_status: int = 200,
) -> HttpResponse:
    keys = list(list_keys(request.actor, subscription=subscription))
    mark_stops(keys)
    key_count = count_counted_keys(subscription)
    status = SubscriptionStatus(subscription.status)
    is_waiting = status == SubscriptionStatus.PENDING_APPROVAL
    asked = find_open_access_request(subscription) if is_waiting else None
    context = {
        "subscription": subscription,
        "asked": asked,
        "comments": list(list_comments(asked, request.actor)) if asked else [],
        "answer_form": answer_form,
        "usage": subscription_usage(subscription),
        "keys": [key for key in keys if key.status not in ENDED_STATUSES],
        "ended_keys": [key for key in keys if key.status in ENDED_STATUSES],
        "key_count": key_count,
        "can_add_key": request.actor.can(MANAGE_KEYS)
        and status in CALLABLE_STATUSES
        and key_count < subscription.plan.key_limit,
        "has_pending_key": any(key.status == KeyStatus.PENDING for key in keys),
        "address": gateway_address(subscription.api),
        "command": curl_with_key(subscription.api),
        "price": summary_of(subscription.price_version),
        "coming_move": find_coming_move(subscription),
        "changes": recent_changes(subscription, count=SHOWN_CHANGES),
        "planned": find_planned_change(subscription),
        "can_change_plan": status in CALLABLE_STATUSES and not subscription.cancel_at_period_end,
        "moves": SUBSCRIPTION.allowed_from(status),
        "can_manage": request.actor.can(MANAGE),
        **promotions_context(request, subscription),
        "crumbs": [(_("Subscriptions"), reverse(LIST_ROUTE)), (subscription.api.name, "")],
    }
    return render(request, "subscriptions/subscription.html", context, status=http_status)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def cancel(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Ask when and why, then cancel."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    page = reverse(PAGE_ROUTE, args=[subscription.public_id])
    if subscription.status == SubscriptionStatus.PENDING_APPROVAL:
        return _withdraw(request, subscription, page)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        is_now = form.cleaned_data["at"] == AT_ONCE
        move = services.cancel_subscription if is_now else services.cancel_at_period_end
        return carry_out(
            request,
            lambda: move(
                subscription=subscription,
                actor=request.actor,
                reason=form.cleaned_data["reason"],
                feedback=form.cleaned_data["feedback"],
            ),
            done=_("The subscription has ended.")
            if is_now
            else _("The cancellation is scheduled."),
            back_to=page,
        )
    return ask(
        request,
        question=_("Cancel the subscription to %(name)s?") % {"name": subscription.api.name},
        effects=[
            _("When it ends, its keys are revoked; calls with them get 401."),
            _("What was used until then is billed."),
            *_given_back(subscription),
        ],
        verb=_("Cancel subscription"),
        cancel_url=page,
        form=form,
    )


def _given_back(subscription: Subscription) -> list[str]:
    """Say what cancelling at once gives back, where fees were paid in advance."""
    now = clock.business_now(subscription.consumer_organization)
    quote = quote_cancellation(subscription, at=now)
    if not quote.total.amount_minor:
        return []
    text = _("If it ends at once, you get %(amount)s of the fees paid in advance back.")
    return [text % {"amount": format_money(quote.total)}]


def _withdraw(request: ConsoleRequest, subscription: Subscription, page: str) -> HttpResponse:
    """Ask before a subscription ends that never began."""
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return carry_out(
            request,
            lambda: services.cancel_subscription(
                subscription=subscription, actor=request.actor, reason=form.cleaned_data["reason"]
            ),
            done=_("Your request was withdrawn."),
            back_to=page,
        )
    return ask(
        request,
        question=_("Withdraw your request for %(name)s?") % {"name": subscription.api.name},
        effects=[_("The provider does not decide any more. You may subscribe again.")],
        verb=_("Withdraw"),
        cancel_url=page,
        form=form,
    )


@console_page(MANAGE)
@require_POST
def keep(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Take a scheduled cancellation back."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.withdraw_cancellation(subscription=subscription, actor=request.actor),
        done=_("The subscription goes on."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
    )


@console_page(MANAGE)
@require_POST
def start_paid(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """End a trial early: paid service begins."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.convert_trial(subscription=subscription, actor=request.actor),
        done=_("Paid service has begun. This day is billed; the days of the trial are not."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
    )


@console_page(MANAGE)
@require_POST
def pause(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Pause a subscription."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.pause_subscription(subscription=subscription, actor=request.actor),
        done=_("The subscription is paused; calls are refused."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
    )


@console_page(MANAGE)
@require_POST
def resume(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """End a pause."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    return carry_out(
        request,
        lambda: services.unpause_subscription(subscription=subscription, actor=request.actor),
        done=_("The subscription works again."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
    )

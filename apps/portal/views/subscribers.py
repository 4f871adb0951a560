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
from apps.approvals.permissions import is_own_submission
from apps.approvals.selectors import list_comments
from apps.portal.moves import ask, carry_out
from apps.subscriptions import selectors, services
from apps.subscriptions.access_requests import access_requests_of, find_access_request
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.forms import AcceptForm, QuestionForm, ReasonForm
from apps.subscriptions.models import Subscription
from apps.subscriptions.planned_changes import find_planned_change, recent_changes

READ: Final = "subscriptions.read"
MANAGE: Final = "plans.manage"
PAGE_SIZE: Final = 50
# The rest of a history has a page of its own.
SHOWN_CHANGES: Final = 10
LIST_ROUTE: Final = "portal:provider_subscribers"
PAGE_ROUTE: Final = "portal:provider_subscriber"


@console_page(READ)
@require_safe
def subscriber_list(request: ConsoleRequest) -> HttpResponse:
    """List the subscribers, those who wait for a decision first."""
    rows = selectors.list_subscribers(request.actor)
    waiting = rows.filter(status=SubscriptionStatus.PENDING_APPROVAL)
    others = rows.exclude(status=SubscriptionStatus.PENDING_APPROVAL)
    page = Paginator(others, PAGE_SIZE).get_page(request.GET.get("page"))
    asked = access_requests_of(waiting)
    context = {
        "waiting": [(row, asked.get(row.pk)) for row in waiting],
        "page": page,
        "can_manage": request.actor.can(MANAGE),
    }
    return render(request, "subscriptions/subscribers.html", context)


@console_page(READ)
@require_safe
def subscriber_page(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Show one subscriber: who, on which plan, what was asked and answered, and the decision."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    return _subscriber_page(request, subscription, AcceptForm(), QuestionForm())


@console_page(MANAGE)
@require_POST
def accept(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Let a waiting subscription start; one click, with a message if somebody wrote one."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return _subscriber_page(request, subscription, form, QuestionForm(), status=422)
    return carry_out(
        request,
        lambda: services.accept_subscription(
            subscription=subscription, actor=request.actor, comment=form.cleaned_data["comment"]
        ),
        done=_("The subscription has started."),
        back_to=reverse(LIST_ROUTE),
    )


@console_page(MANAGE)
@require_POST
def ask_subscriber(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Ask the subscriber something before deciding."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _subscriber_page(request, subscription, AcceptForm(), form, status=422)
    return carry_out(
        request,
        lambda: services.ask_subscriber(
            subscription=subscription, actor=request.actor, question=form.cleaned_data["question"]
        ),
        done=_("Asked. You will be told as soon as they answer."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]),
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


def _subscriber_page(
    request: ConsoleRequest,
    subscription: Subscription,
    accept_form: AcceptForm,
    question_form: QuestionForm,
    *,
    status: int = 200,
) -> HttpResponse:
    asked = find_access_request(subscription)
    can_manage = request.actor.can(MANAGE)
    is_own = asked is not None and asked.is_open and is_own_submission(asked, request.actor)
    context = {
        "subscription": subscription,
        "asked": asked,
        "comments": list(list_comments(asked, request.actor)) if asked else [],
        "can_manage": can_manage,
        "can_decide": can_manage and not is_own,
        "is_own": is_own,
        "accept_form": accept_form,
        "question_form": question_form,
        "planned": find_planned_change(subscription),
        "changes": recent_changes(subscription, count=SHOWN_CHANGES),
        "crumbs": [
            (_("Subscribers"), reverse(LIST_ROUTE)),
            (subscription.consumer_organization.name, ""),
        ],
    }
    return render(request, "subscriptions/subscriber.html", context, status=status)


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

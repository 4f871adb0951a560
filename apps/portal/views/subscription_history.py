"""A subscription's whole history as a table and as a file: for its subscriber, and for the API's provider."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.subscriptions import selectors
from apps.subscriptions.history import history_rows, list_changes, write_history
from apps.subscriptions.models import Subscription

READ: Final = "subscriptions.read"
PAGE_SIZE: Final = 25


@console_page(READ)
@require_safe
def own(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Show what happened to a subscription of the organization; `?format=csv` is the whole of it as a file."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    crumbs = [
        (_("Subscriptions"), reverse("portal:subscriptions")),
        (subscription.api.name, reverse("portal:subscription", args=[subscription.public_id])),
    ]
    return _answer(request, subscription, crumbs, names_people=True)


@console_page(READ)
@require_safe
def of_subscriber(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Show it to the provider, who does not learn which person it was."""
    subscription = selectors.get_subscriber(request.actor, subscription_id)
    page = reverse("portal:provider_subscriber", args=[subscription.public_id])
    crumbs = [
        (_("Subscribers"), reverse("portal:provider_subscribers")),
        (subscription.consumer_organization.name, page),
    ]
    return _answer(request, subscription, crumbs, names_people=False)


def _answer(
    request: ConsoleRequest,
    subscription: Subscription,
    crumbs: list[tuple[str, str]],
    *,
    names_people: bool,
) -> HttpResponse:
    changes = list_changes(subscription)
    if request.GET.get("format") == "csv":
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        name = f"history-{subscription.public_id}.csv"
        disposition = content_disposition_header(as_attachment=True, filename=name)
        answer["Content-Disposition"] = disposition or "attachment"
        rows = history_rows(changes, names_people=names_people)
        write_history(rows, answer)  # type: ignore[arg-type]  # a response is a file to write to
        return answer
    page = Paginator(changes, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "subscription": subscription,
        "page": page,
        "rows": history_rows(page, names_people=names_people),
        "names_people": names_people,
        "crumbs": [*crumbs, (_("History"), "")],
    }
    return render(request, "subscriptions/history.html", context)

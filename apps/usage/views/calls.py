"""Pages of single calls: for consumers their own, for providers those of their APIs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from apps.usage import selectors
from apps.usage.analytics_page import Links, picker_context
from apps.usage.enums import AnalyticsSide
from apps.usage.forms import CallFilter, cursor_of
from apps.usage.models import UsageEvent
from apps.usage.shown import shown_filters, shown_period

PAGE_SIZE: Final = 50


@console_page("usage.read")
@require_GET
def calls(request: ConsoleRequest) -> HttpResponse:
    """List the organization's calls, newest first."""
    form = CallFilter(request.GET, actor=request.actor, is_provider=False)
    events = selectors.events_of_consumer(request.actor)
    crumbs = [(_("Usage"), reverse("usage:overview")), (_("Calls"), "")]
    return _calls(request, form, events, crumbs)


@console_page("apis.read")
@require_GET
def provider_calls(request: ConsoleRequest) -> HttpResponse:
    """List the calls that the organization's APIs answered, newest first."""
    form = CallFilter(request.GET, actor=request.actor, is_provider=True)
    events = selectors.events_of_provider(request.actor)
    crumbs = [(_("Analytics"), reverse("usage:provider")), (_("Calls"), "")]
    return _calls(request, form, events, crumbs)


@console_page("usage.read")
@require_GET
def call(request: ConsoleRequest, event_id: UUID) -> HttpResponse:
    """Show one call: what was asked and answered, how long it took, whether it is billed."""
    found = selectors.get_call(request.actor, event_id)
    is_own = found.consumer_organization_id == request.actor.organization_id
    subscriptions = Subscription.objects.select_related("api", "plan", "consumer_organization")
    context = {
        "call": found,
        "is_own": is_own,
        "subscription": subscriptions.filter(pk=found.subscription_id).first(),
        "key": ApiKey.objects.filter(pk=found.key_id).first() if is_own and found.key_id else None,
        "crumbs": [
            (_("Usage"), reverse("usage:overview" if is_own else "usage:provider")),
            (_("Calls"), reverse("usage:calls" if is_own else "usage:provider_calls")),
            (f"{found.method} {found.path}", ""),
        ],
    }
    return render(request, "usage/call.html", context)


def _calls(
    request: ConsoleRequest,
    form: CallFilter,
    events: QuerySet[UsageEvent],
    crumbs: list[tuple[str, str]],
) -> HttpResponse:
    """List calls of the chosen span; older ones by cursor, so that no page counts them all."""
    side = AnalyticsSide.PROVIDER if form.column == "api_id" else AnalyticsSide.CONSUMER
    chosen, asked = shown_period(request, get_current_organization(request.actor))
    filters = shown_filters(request, request.actor, side)
    # A class of statuses is chosen in the form.
    chips = [item for item in filters if item.name != "status" or len(item.text) > 1]
    rows = selectors.narrow_calls(form.narrow(events, chosen.period), chips)
    with suppress(KeyError, ValueError):  # the first page; a broken cursor leads there too
        rows = rows.filter(_before(request.GET["cursor"]))
    page = list(rows[: PAGE_SIZE + 1])
    has_more = len(page) > PAGE_SIZE
    context = {
        **picker_context(Links(chosen, chips)),
        **asked,
        "form": form,
        "export_side": side.value,
        "calls": page[:PAGE_SIZE],
        "cursors": {"next": cursor_of(page[PAGE_SIZE - 1]) if has_more else ""},
        "crumbs": crumbs,
    }
    return render(request, "usage/calls.html", context)


def _before(cursor: str) -> Q:
    time, _slash, event_id = cursor.rpartition("/")
    at, key = datetime.fromisoformat(time), UUID(event_id)
    return Q(occurred_at__lt=at) | Q(occurred_at=at, event_id__lt=key)

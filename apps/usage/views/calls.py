"""Portal pages of usage: for consumers their calls, for providers the calls of their APIs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.core import clock
from apps.core.clock import Period
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from apps.usage import selectors
from apps.usage.costs import cost_outlooks
from apps.usage.forms import CallFilter, cursor_of
from apps.usage.models import UsageEvent, UsageWindow
from apps.usage.series import UsageTotals, calls_by_api, calls_by_subscription, usage_series
from apps.usage.spans import SPANS, Span, draw_calls, span_of

PAGE_SIZE: Final = 50
NO_CALLS: Final = UsageTotals(0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the period picker chose, in the organization's own time."""

    span: Span
    period: Period
    timezone: str


@console_page("usage.read")
@require_GET
def overview(request: ConsoleRequest) -> HttpResponse:
    """Answer how much was called and what it costs; then by subscription, down to the calls."""
    shown = _shown(request)
    windows = selectors.own_windows(request.actor)
    by_subscription = calls_by_subscription(windows, shown.period)
    rows = [
        (row, by_subscription.get(row.pk, NO_CALLS))
        for row in selectors.subscriptions_of(request.actor)
    ]
    context = {
        **_usage_context(windows, shown),
        "rows": rows,
        "costs": cost_outlooks(request.actor),
        "late": selectors.late_calls(request.actor, shown.period),
    }
    return render(request, "usage/overview.html", context)


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
def provider(request: ConsoleRequest) -> HttpResponse:
    """Answer how much the organization's APIs are called, and by API."""
    shown = _shown(request)
    windows = selectors.provided_windows(request.actor)
    by_api = calls_by_api(windows, shown.period)
    rows = [(api, by_api.get(api.pk, NO_CALLS)) for api in selectors.provided_apis(request.actor)]
    context = {**_usage_context(windows, shown), "rows": rows}
    return render(request, "usage/provider.html", context)


@console_page("apis.read")
@require_GET
def provider_api(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Answer how much one API is called, and by which subscribers."""
    shown = _shown(request)
    api = selectors.get_provided_api(request.actor, api_id)
    windows = selectors.provided_windows(request.actor).filter(api_id=api.pk)
    totals = calls_by_subscription(windows, shown.period)
    subscribers = Subscription.objects.filter(pk__in=totals).select_related(
        "consumer_organization", "plan"
    )
    context = {
        **_usage_context(windows, shown),
        "api": api,
        "rows": sorted(
            ((row, totals[row.pk]) for row in subscribers), key=lambda pair: -pair[1].events
        ),
        "crumbs": [(_("Analytics"), reverse("usage:provider")), (api.name, "")],
    }
    return render(request, "usage/provider_api.html", context)


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


def _shown(request: ConsoleRequest) -> _Shown:
    organization = get_current_organization(request.actor)
    span = span_of(request.GET.get("period", ""))
    period = span.ending(clock.business_now(organization), organization.timezone)
    return _Shown(span, period, organization.timezone)


def _usage_context(windows: QuerySet[UsageWindow], shown: _Shown) -> dict[str, Any]:
    points = usage_series(
        windows, period=shown.period, by_day=shown.span.by_day, timezone=shown.timezone
    )
    return {
        "total": UsageTotals(
            sum(point.events for point in points),
            sum(point.errors for point in points),
            sum(point.calls for point in points),
        ),
        "plot": draw_calls(points, shown.span),
        "span": shown.span,
        "spans": SPANS,
    }


def _calls(
    request: ConsoleRequest,
    form: CallFilter,
    events: QuerySet[UsageEvent],
    crumbs: list[tuple[str, str]],
) -> HttpResponse:
    """List calls of the chosen span; older ones by cursor, so that no page counts them all."""
    shown = _shown(request)
    rows = form.narrow(events, shown.period)
    with suppress(KeyError, ValueError):  # the first page; a broken cursor leads there too
        rows = rows.filter(_before(request.GET["cursor"]))
    page = list(rows[: PAGE_SIZE + 1])
    has_more = len(page) > PAGE_SIZE
    context = {
        "form": form,
        "export_side": "provider" if form.column == "api_id" else "consumer",
        "calls": page[:PAGE_SIZE],
        "cursors": {"next": cursor_of(page[PAGE_SIZE - 1]) if has_more else ""},
        "span": shown.span,
        "spans": SPANS,
        "crumbs": crumbs,
    }
    return render(request, "usage/calls.html", context)


def _before(cursor: str) -> Q:
    time, _slash, event_id = cursor.rpartition("/")
    at, key = datetime.fromisoformat(time), UUID(event_id)
    return Q(occurred_at__lt=at) | Q(occurred_at=at, event_id__lt=key)

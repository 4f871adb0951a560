"""The organization's webhook endpoints."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.core.http_client import refuse_inner_name
from apps.notifications.constants import ENDPOINTS_PER_ORGANIZATION, MANAGE_WEBHOOKS
from apps.notifications.enums import EndpointStatus
from apps.notifications.event_types import all_event_types
from apps.notifications.forms import DeliveryFilterForm, EndpointForm, ReplayForm
from apps.notifications.models import WebhookEndpoint
from apps.notifications.selectors import webhooks as selectors
from apps.notifications.services import endpoints, replays
from apps.notifications.services.endpoints import IssuedSecret

LIST = "notifications:webhooks"
ONE = "notifications:webhook"
PAGE_SIZE = 25


@console_page(MANAGE_WEBHOOKS)
@require_safe
def webhooks(request: ConsoleRequest) -> HttpResponse:
    """List the endpoints."""
    rows = list(selectors.list_endpoints(request.actor))
    context = {"endpoints": rows, "has_room": len(rows) < ENDPOINTS_PER_ORGANIZATION}
    return render(request, "notifications/webhooks.html", context)


@console_page(MANAGE_WEBHOOKS)
@never_cache
@require_http_methods(["GET", "POST"])
def create(request: ConsoleRequest) -> HttpResponse:
    """Make an endpoint; its secret is on the answer to the form only."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            refuse_inner_name(form.cleaned_data["url"], field="url")
            issued = endpoints.create_endpoint(
                organization=get_current_organization(request.actor),
                terms=form.terms(),
                actor=request.actor,
            )
            return _secret_page(request, issued)
    context = {"form": form, "crumbs": _crumbs(_("New endpoint"))}
    return render(request, "notifications/webhook_form.html", context)


@console_page(MANAGE_WEBHOOKS)
@require_safe
def webhook(request: ConsoleRequest, endpoint_id: str) -> HttpResponse:
    """Show an endpoint and what was sent to it."""
    endpoint = selectors.get_endpoint(request.actor, endpoint_id)
    filters = DeliveryFilterForm(request.GET)
    rows = selectors.list_deliveries(endpoint, **filters.chosen())
    context = {
        "endpoint": endpoint,
        "filters": filters,
        "is_filtered": any(filters.chosen().values()),
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "replay_form": ReplayForm(),
        "is_active": endpoint.status == EndpointStatus.ACTIVE,
        "crumbs": _crumbs(endpoint.short_name),
    }
    return render(request, "notifications/webhook.html", context)


@console_page(MANAGE_WEBHOOKS)
@require_http_methods(["GET", "POST"])
def edit(request: ConsoleRequest, endpoint_id: str) -> HttpResponse:
    """Change an endpoint."""
    endpoint = selectors.get_endpoint(request.actor, endpoint_id)
    form = EndpointForm(request.POST or None, present=endpoint)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            refuse_inner_name(form.cleaned_data["url"], field="url")
            endpoints.update_endpoint(endpoint=endpoint, terms=form.terms(), actor=request.actor)
            messages.success(request, _("Saved."))
            return redirect(ONE, endpoint.public_id)
    context = {"form": form, "endpoint": endpoint, "crumbs": _crumbs(_("Edit"), endpoint)}
    return render(request, "notifications/webhook_form.html", context)


@console_page(MANAGE_WEBHOOKS)
@never_cache
@require_http_methods(["GET", "POST"])
def rotate(request: ConsoleRequest, endpoint_id: str) -> HttpResponse:
    """Ask, then make a new secret and show it on this answer only."""
    endpoint = selectors.get_endpoint(request.actor, endpoint_id)
    if request.method == "POST":
        issued = endpoints.rotate_secret(endpoint=endpoint, actor=request.actor)
        return _secret_page(request, issued)
    context = {
        "question": _("Make a new secret?"),
        "action": request.path,
        "effects": [
            _("For 24 hours every message carries two signatures, by the old and the new secret."),
            _("After that only the new one signs."),
        ],
        "verb": _("Make new secret"),
        "cancel_url": reverse(ONE, args=[endpoint.public_id]),
    }
    return render(request, "layouts/confirm.html", context)


@console_page(MANAGE_WEBHOOKS)
@require_http_methods(["GET", "POST"])
def delete(request: ConsoleRequest, endpoint_id: str) -> HttpResponse:
    """Ask, then remove an endpoint."""
    endpoint = selectors.get_endpoint(request.actor, endpoint_id)
    if request.method == "POST":
        endpoints.delete_endpoint(endpoint=endpoint, actor=request.actor)
        messages.success(request, _("The endpoint was removed."))
        return redirect(LIST)
    context = {
        "question": _("Remove this endpoint?"),
        "lead": endpoint.url,
        "action": request.path,
        "effects": [
            _("Nothing more is sent there, and what is on its way is dropped."),
            _("The log of its deliveries is deleted."),
        ],
        "verb": _("Remove endpoint"),
        "cancel_url": reverse(ONE, args=[endpoint.public_id]),
        "is_danger": True,
    }
    return render(request, "layouts/confirm.html", context)


@console_page(MANAGE_WEBHOOKS)
@require_POST
def switch(request: ConsoleRequest, endpoint_id: str) -> HttpResponse:
    """Enable a disabled endpoint, disable an active one, as the button says."""
    endpoint = selectors.get_endpoint(request.actor, endpoint_id)
    if request.POST.get("status") == EndpointStatus.ACTIVE:
        endpoints.enable_endpoint(endpoint=endpoint, actor=request.actor)
        messages.success(request, _("The endpoint gets new events again."))
    else:
        endpoints.disable_endpoint(endpoint=endpoint, actor=request.actor)
        messages.success(request, _("The endpoint gets nothing more."))
    return redirect(ONE, endpoint.public_id)


@console_page(MANAGE_WEBHOOKS)
@require_POST
def send_test(request: ConsoleRequest, endpoint_id: str) -> HttpResponse:
    """Send a test event and show its delivery."""
    endpoint = selectors.get_endpoint(request.actor, endpoint_id)
    try:
        delivery = replays.send_test_event(endpoint=endpoint, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect(ONE, endpoint.public_id)
    messages.success(request, _("The test event is on its way."))
    return redirect("notifications:webhook_delivery", delivery.public_id)


@console_page(MANAGE_WEBHOOKS)
@require_POST
def replay_failed(request: ConsoleRequest, endpoint_id: str) -> HttpResponse:
    """Send again what was given up."""
    endpoint = selectors.get_endpoint(request.actor, endpoint_id)
    form = ReplayForm(request.POST)
    if form.is_valid():
        try:
            count = replays.replay_failed_since(
                endpoint=endpoint, since=form.since(), actor=request.actor
            )
            messages.success(
                request, _("Messages that are sent again: %(count)d.") % {"count": count}
            )
        except DomainError as error:
            messages.error(request, str(error.detail))
    return redirect(ONE, endpoint.public_id)


@console_page(MANAGE_WEBHOOKS)
@require_safe
def reference(request: ConsoleRequest) -> HttpResponse:
    """Show every event type with an example, and how to verify a message."""
    types = [
        (kind, json.dumps(kind.example, indent=2, ensure_ascii=False)) for kind in all_event_types()
    ]
    context = {"types": types, "crumbs": _crumbs(_("Events and verification"))}
    return render(request, "notifications/webhook_reference.html", context)


def _secret_page(request: ConsoleRequest, issued: IssuedSecret) -> HttpResponse:
    context = {"endpoint": issued.endpoint, "secret": issued.secret}
    return render(request, "notifications/webhook_secret.html", context)


def _crumbs(here: str, endpoint: WebhookEndpoint | None = None) -> list[tuple[str, str]]:
    above = [(_("Webhooks"), reverse(LIST))]
    if endpoint is not None:
        above.append((endpoint.short_name, reverse(ONE, args=[endpoint.public_id])))
    return [*above, (here, "")]

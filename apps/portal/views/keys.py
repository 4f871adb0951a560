"""The consumer's keys: what is active and where, creating one (shown once), rotating and revoking."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.keys import constants, selectors, services
from apps.keys.enums import ENDED_STATUSES
from apps.keys.forms import KeyForm, RenameForm, RevokeForm, RotateForm
from apps.keys.models import ApiKey
from apps.keys.proof import wait_for_proof
from apps.keys.services import IssuedKey
from apps.keys.stops import mark_stops
from apps.keys.trail import entry_of
from apps.keys.transitions import KEY
from apps.portal.call_snippets import curl_with_key, snippets_with_key
from apps.portal.key_life import life_of
from apps.portal.moves import ask, carry_out
from apps.subscriptions.selectors import get_subscription
from apps.usage.key_trend import key_trend

READ: Final = "keys.read"
MANAGE: Final = "keys.manage"
PAGE_SIZE: Final = 50
TRAIL_ROWS: Final = 20
LIST_ROUTE: Final = "portal:keys"
PAGE_ROUTE: Final = "portal:key"


@console_page(READ)
@require_safe
def key_list(request: ConsoleRequest) -> HttpResponse:
    """List the organization's keys: live ones first, with what each calls."""
    rows = selectors.list_keys(request.actor)
    live = rows.exclude(status__in=ENDED_STATUSES)
    shown = rows if request.GET.get("show") == "all" else live
    page = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    mark_stops(page.object_list)
    context = {"page": page, "shows_all": shown is rows, "can_manage": request.actor.can(MANAGE)}
    return render(request, "keys/list.html", context)


@console_page(MANAGE)
@never_cache
@sensitive_variables("issued")
@require_http_methods(["GET", "POST"])
def create(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Issue a key; its secret is on the answer to the form only."""
    subscription = get_subscription(request.actor, subscription_id)
    form = KeyForm(request.POST or None, subscription=subscription)
    if request.method == "POST" and form.is_valid():
        terms = form.to_terms()
        with refusals_on(form):
            issued = services.create_key(
                subscription=subscription, terms=terms, actor=request.actor
            )
            return _reveal(request, issued)
    back_to = reverse("portal:subscription", args=[subscription.public_id])
    context = {
        "form": form,
        "subscription": subscription,
        "crumbs": [
            (_("Subscriptions"), reverse("portal:subscriptions")),
            (subscription.api.name, back_to),
            (_("New key"), ""),
        ],
    }
    return render(request, "keys/create.html", context)


@console_page(READ)
@require_http_methods(["GET", "POST"])
def key_page(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Show a key: its state, what it may do, and everything that was done with it. A POST renames it."""
    key = selectors.get_key(request.actor, key_id)
    form = RenameForm(request.POST or None, initial={"name": key.name})
    if request.method == "POST" and request.actor.can(MANAGE) and form.is_valid():
        name = form.cleaned_data["name"]
        return carry_out(
            request,
            lambda: services.rename_key(key=key, name=name, actor=request.actor),
            done=_("Saved."),
            back_to=request.path,
        )
    trail = Paginator(selectors.audit_trail_of(key), TRAIL_ROWS)
    trail_page = trail.get_page(request.GET.get("page"))
    context = {
        "key": key,
        "form": form,
        "trail": [entry_of(event) for event in trail_page],
        "trail_page": trail_page,
        "trend": key_trend(key, _("Calls per day in the last 30 days")),
        "is_ended": key.status in ENDED_STATUSES,
        "command": curl_with_key(key.subscription.api),
        "life": life_of(key),
        "moves": KEY.allowed_from(key.status),
        "can_manage": request.actor.can(MANAGE),
        "crumbs": [(_("Keys"), reverse(LIST_ROUTE)), (key.name, "")],
    }
    return render(request, "keys/key.html", context)


@console_page(READ)
@require_safe
def state(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Show a key's badge; one that waits for the gateway's proof asks again by itself."""
    key = selectors.get_key(request.actor, key_id)
    return render(request, "keys/_state.html", {"key": key})


@console_page(MANAGE)
@never_cache
@sensitive_variables("issued")
@require_http_methods(["GET", "POST"])
def rotate(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Ask for the grace, then show the successor's secret once."""
    key = selectors.get_key(request.actor, key_id)
    page = reverse(PAGE_ROUTE, args=[key.public_id])
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        grace = timedelta(hours=form.cleaned_data["grace_hours"])
        try:
            issued = services.rotate_key(key=key, grace=grace, actor=request.actor)
        except DomainError as refusal:
            messages.error(request, str(refusal.detail))
            return redirect(page)
        return _reveal(request, issued)
    return ask(
        request,
        question=_("Rotate “%(name)s”?") % {"name": key.name},
        effects=[
            _("You get a new key with the same scopes and limits."),
            _("The old key stops working when its time is over."),
        ],
        verb=_("Rotate key"),
        cancel_url=page,
        form=form,
        is_danger=False,
    )


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def revoke(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Ask, then revoke, and say whether every gateway has dropped the key already."""
    key = selectors.get_key(request.actor, key_id)
    page = reverse(PAGE_ROUTE, args=[key.public_id])
    form = RevokeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _revoke(request, key, form.cleaned_data["reason"])
    return ask(
        request,
        question=_("Revoke “%(name)s”?") % {"name": key.name},
        effects=[
            _("Calls with %(key)s get 401 within a second.") % {"key": key.masked},
            _("It cannot be undone; a new key has a new secret."),
        ],
        verb=_("Revoke key"),
        cancel_url=page,
        form=form,
    )


@console_page(MANAGE)
@require_POST
def suspend(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Stop a key until it is resumed."""
    key = selectors.get_key(request.actor, key_id)
    return carry_out(
        request,
        lambda: services.suspend_key(key=key, actor=request.actor),
        done=_("The key is suspended."),
        back_to=reverse(PAGE_ROUTE, args=[key.public_id]),
    )


@console_page(MANAGE)
@require_POST
def resume(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Let a suspended key work again."""
    key = selectors.get_key(request.actor, key_id)
    return carry_out(
        request,
        lambda: services.resume_key(key=key, actor=request.actor),
        done=_("The key works again."),
        back_to=reverse(PAGE_ROUTE, args=[key.public_id]),
    )


@sensitive_variables("issued", "context")
def _reveal(request: ConsoleRequest, issued: IssuedKey) -> HttpResponse:
    key = selectors.get_key(request.actor, issued.key.public_id)
    subscription = key.subscription
    context: dict[str, Any] = {
        "key": key,
        "secret": issued.secret,
        "snippets": snippets_with_key(subscription.api, issued.secret),
        "subscription": subscription,
        "crumbs": [
            (_("Subscriptions"), reverse("portal:subscriptions")),
            (subscription.api.name, reverse("portal:subscription", args=[subscription.public_id])),
            (key.name, ""),
        ],
    }
    return render(request, "keys/reveal.html", context)


def _revoke(request: ConsoleRequest, key: ApiKey, reason: str) -> HttpResponse:
    page = reverse(PAGE_ROUTE, args=[key.public_id])
    try:
        services.revoke_key(key=key, actor=request.actor, reason=reason)
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect(page)
    if wait_for_proof(key.pk, timeout_s=constants.REVOCATION_PROOF_WAIT_S):
        messages.success(request, _("The key is revoked; no gateway accepts it any more."))
    else:
        messages.warning(request, _("The key is revoked; the gateways are being told."))
    return redirect(page)

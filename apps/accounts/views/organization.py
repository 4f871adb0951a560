"""The organization's settings, its test clock, and making a first or further one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import selectors, services
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.forms import ClockForm, NewOrganizationForm, OrganizationForm
from apps.accounts.middleware import SESSION_ORGANIZATION, SESSION_WORKSPACE
from apps.accounts.models import Organization
from apps.accounts.timed_work import label_of
from apps.accounts.zone_effects import ZoneEffect, effects_of_move
from apps.core import clock
from apps.core.forms import refusals_on

SUGGESTED_STEP = timedelta(days=31)
SHOWN_LINES = 20


@console_page("organization.read")
@require_http_methods(["GET", "POST"])
def organization(request: ConsoleRequest) -> HttpResponse:
    """Show the organization; owners change it."""
    current = selectors.get_current_organization(request.actor)
    old_timezone = current.timezone  # the form writes to its instance
    form = OrganizationForm(request.POST or None, instance=current)
    can_manage = request.actor.can("organization.manage")
    if request.method == "POST" and can_manage and form.is_valid():
        effects = _effects_to_confirm(request, current, form, old_timezone)
        if effects:
            context = {
                "form": form,
                "effects": effects,
                "old_timezone": old_timezone,
                "new_timezone": form.cleaned_data["timezone"],
            }
            return render(request, "accounts/confirm_zone.html", context)
        with refusals_on(form):
            services.update_organization(
                organization=current, actor=request.actor, **form.cleaned_data
            )
            messages.success(request, _("Saved."))
            return redirect("accounts:organization")
    return render(request, "accounts/organization.html", _page(request, current, form))


def _effects_to_confirm(
    request: ConsoleRequest, current: Organization, form: OrganizationForm, old_timezone: str
) -> list[ZoneEffect]:
    """Return which periods a new time zone would move, unless the owner has seen them."""
    wanted = form.cleaned_data["timezone"]
    if wanted == old_timezone or "zone_is_confirmed" in request.POST:
        return []
    return effects_of_move(current, wanted)


@console_page("organization.manage")
@require_POST
def advance_clock(request: ConsoleRequest) -> HttpResponse:
    """Move a sandbox's test clock forward."""
    current = selectors.get_current_organization(request.actor)
    form = ClockForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            services.advance_clock(
                organization=current, actor=request.actor, to=form.cleaned_data["to"]
            )
            jump = services.get_clock_jump(current)
            if jump is not None and not jump.is_advancing:
                messages.success(request, _("The test clock was moved."))
            return redirect("accounts:organization")
    context = _page(request, current, OrganizationForm(instance=current), clock_form=form)
    return render(request, "accounts/organization.html", context, status=422)


@console_page("organization.read")
@require_safe
def clock_live(request: ConsoleRequest) -> HttpResponse:
    """Show how far the clock is, for the page that asks again and again."""
    current = selectors.get_current_organization(request.actor)
    context = _page(request, current, OrganizationForm(instance=current))
    return render(request, "accounts/_clock.html", context)


@console_page(needs_organization=False)
@require_http_methods(["GET", "POST"])
def create_organization(request: ConsoleRequest) -> HttpResponse:
    """Make an organization, or join one that sent an invitation."""
    form = NewOrganizationForm(request.POST or None)
    user = selectors.get_user(request.actor)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            made = services.create_organization(
                owner=user, actor=request.actor, **form.cleaned_data
            )
            request.session[SESSION_ORGANIZATION] = str(made.pk)
            request.session.pop(SESSION_WORKSPACE, None)
            return redirect("accounts:organization")
    context = {"form": form, "invitations": selectors.invitations_for(user)}
    return render(request, "accounts/create_organization.html", context)


def _page(
    request: ConsoleRequest,
    current: Organization,
    form: OrganizationForm,
    clock_form: ClockForm | None = None,
) -> dict[str, Any]:
    present = clock.business_now(current)
    jump = services.get_clock_jump(current) if current.is_sandbox else None
    lines = jump.happened[-SHOWN_LINES:] if jump is not None else []
    return {
        "jump": jump,
        "happened": [
            (datetime.fromisoformat(line["at"]), label_of(line["work"]), line["count"])
            for line in reversed(lines)
        ],
        "organization": current,
        "form": form,
        "can_manage": request.actor.can("organization.manage"),
        "present": present,
        "clock_form": clock_form or ClockForm(initial={"to": present + SUGGESTED_STEP}),
    }

"""The organization's security: what is done with leaked keys, what was found, what looked suspicious."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.keys import selectors, services
from apps.keys.enums import LeakPolicy
from apps.keys.forms import LeakPolicyForm

MANAGE: Final = "tokens.manage"
ROWS: Final = 50


@console_page("keys.read")
@require_http_methods(["GET", "POST"])
def security(request: ConsoleRequest) -> HttpResponse:
    """Show leaked keys and alerts; owners and administrators choose what is done with keys that leak."""
    organization = get_current_organization(request.actor)
    on_leak = selectors.leak_policy_of(organization.pk)
    form = LeakPolicyForm(request.POST or None, initial={"on_leak": on_leak})
    can_manage = request.actor.can(MANAGE)
    if request.method == "POST" and can_manage and form.is_valid():
        services.change_leak_policy(
            organization=organization,
            on_leak=LeakPolicy(form.cleaned_data["on_leak"]),
            actor=request.actor,
        )
        messages.success(request, _("Saved."))
        return redirect("portal:security")
    context = {
        "form": form,
        "on_leak": on_leak,
        "can_manage": can_manage,
        "leaks": selectors.list_leaks(request.actor)[:ROWS],
        "alerts": selectors.list_alerts(request.actor)[:ROWS],
    }
    return render(request, "keys/security.html", context)

"""The signed-in person's own settings."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import selectors, services
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.forms import ProfileForm
from apps.core.forms import refusals_on


@console_page(needs_organization=False)
@require_http_methods(["GET", "POST"])
def account(request: ConsoleRequest) -> HttpResponse:
    """Show and change the profile; links lead to addresses, password, second factors and sessions."""
    user = selectors.get_user(request.actor)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.update_profile(user=user, actor=request.actor, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("accounts:account")
    context = {"form": form, "memberships": selectors.own_memberships(request.actor)}
    return render(request, "accounts/account.html", context)

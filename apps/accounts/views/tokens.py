"""Service tokens."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import selectors, services
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.forms import ServiceTokenForm
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on


@console_page("tokens.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def service_tokens(request: ConsoleRequest) -> HttpResponse:
    """List the tokens and make new ones; a new token's secret is on the answer to the form only."""
    form = ServiceTokenForm(request.POST or None, actor=request.actor)
    issued: services.IssuedToken | None = None
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            issued = services.create_service_token(
                organization=selectors.get_current_organization(request.actor),
                name=form.cleaned_data["name"],
                permissions=frozenset(form.cleaned_data["permissions"]),
                workspace=form.cleaned_data["workspace"],
                expires_at=form.cleaned_data["expires_on"],
                actor=request.actor,
            )
            form = ServiceTokenForm(actor=request.actor)
    context = {
        "tokens": selectors.service_tokens_of(request.actor),
        "form": form,
        "issued": issued,
        "command": _command(issued.secret) if issued else "",
    }
    return render(request, "accounts/service_tokens.html", context)


@console_page("tokens.manage")
@require_http_methods(["GET", "POST"])
def revoke_service_token(request: ConsoleRequest, token_id: str) -> HttpResponse:
    """Ask, then revoke a token."""
    token = selectors.service_tokens_of(request.actor).get_visible(request.actor, token_id)
    if request.method == "POST":
        try:
            services.revoke_service_token(token=token, actor=request.actor)
            messages.success(request, _("The token was revoked."))
        except DomainError as error:
            messages.error(request, str(error.detail))
        return redirect("accounts:service_tokens")
    context = {
        "question": _("Revoke “%(name)s”?") % {"name": token.name},
        "action": request.path,
        "effects": [
            _("Calls with this token get 401 from now on."),
            _("It cannot be undone; a new token has a new secret."),
        ],
        "verb": _("Revoke token"),
        "cancel_url": reverse("accounts:service_tokens"),
        "is_danger": True,
    }
    return render(request, "layouts/confirm.html", context)


def _command(secret: str) -> str:
    url = f"{settings.PUBLIC_URL}{reverse('whoami')}"
    return f'curl -H "Authorization: Bearer {secret}" {url}'

"""What a key may do, on its page: scopes, endpoints, addresses, limits; and another try when the gateway did not answer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.forms import refusals_on
from apps.keys import selectors, services
from apps.keys.term_forms import KeyTermsForm
from apps.portal.moves import carry_out


@console_page("keys.manage")
@require_http_methods(["GET", "POST"])
def change_terms(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Change scopes, endpoints, addresses, limits and last day; every gateway follows within a second."""
    key = selectors.get_key(request.actor, key_id)
    page = reverse("portal:key", args=[key.public_id])
    # An unticked box sends nothing, so an empty form is bound too.
    data = request.POST if request.method == "POST" else None
    form = KeyTermsForm(data, subscription=key.subscription, key=key)
    if form.is_bound and form.is_valid():
        with refusals_on(form):
            services.change_key_terms(key=key, changes=form.changes(), actor=request.actor)
            messages.success(request, _("Saved."))
            return redirect(page)
    crumbs = [
        (_("Keys"), reverse("portal:keys")),
        (key.name, page),
        (_("Scopes and limits"), ""),
    ]
    return render(request, "keys/terms.html", {"key": key, "form": form, "crumbs": crumbs})


@console_page("keys.manage")
@require_POST
def retry(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Bring a key to the gateway again that was not proven in time."""
    key = selectors.get_key(request.actor, key_id)
    return carry_out(
        request,
        lambda: services.retry_key_sync(key=key, actor=request.actor),
        done=_("The gateways are being told again."),
        back_to=reverse("portal:key", args=[key.public_id]),
    )

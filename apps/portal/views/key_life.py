"""A key's life on its page: rotation by itself, renewal, and reading a key that a job made."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.keys import selectors, services
from apps.keys.forms import KeyLifeForm
from apps.portal.call_snippets import snippets_with_key
from apps.portal.moves import ask


@console_page("keys.manage")
@require_http_methods(["GET", "POST"])
def change_life(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Choose how often the key is replaced by itself, and whether it is renewed."""
    key = selectors.get_key(request.actor, key_id)
    page = reverse("portal:key", args=[key.public_id])
    initial = {"rotation_days": key.rotation_days, "auto_renew": key.auto_renew}
    form = KeyLifeForm(initial=initial, plan=key.subscription.plan)
    # An unticked box sends nothing, so an empty form is bound too.
    if request.method == "POST":
        form = KeyLifeForm(request.POST, plan=key.subscription.plan)
        if form.is_valid():
            with refusals_on(form):
                services.change_key_life(key=key, life=form.to_life(), actor=request.actor)
                messages.success(request, _("Saved."))
                return redirect(page)
    crumbs = [(_("Keys"), reverse("portal:keys")), (key.name, page), (_("Rotation"), "")]
    return render(request, "keys/life.html", {"key": key, "form": form, "crumbs": crumbs})


@console_page("keys.manage")
@never_cache
@sensitive_variables("secret", "context")
@require_http_methods(["GET", "POST"])
def reveal(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Ask first, because it works once; then show the text of a key that a job made."""
    key = selectors.get_key(request.actor, key_id)
    page = reverse("portal:key", args=[key.public_id])
    if request.method == "GET":
        return ask(
            request,
            question=_("Read the new key “%(name)s”?") % {"name": key.name},
            effects=[
                _("It is shown once, on the next page, and then kept nowhere."),
                _("The trail notes that you read it."),
            ],
            verb=_("Read the new key"),
            cancel_url=page,
            is_danger=False,
        )
    try:
        secret = services.reveal_key(key=key, actor=request.actor)
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect(page)
    subscription = key.subscription
    context = {
        "key": key,
        "secret": secret,
        "snippets": snippets_with_key(subscription.api, secret),
        "subscription": subscription,
        "crumbs": [(_("Keys"), reverse("portal:keys")), (key.name, page), (_("New key"), "")],
    }
    return render(request, "keys/reveal.html", context)

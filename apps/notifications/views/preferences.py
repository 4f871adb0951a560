"""What a person wants by e-mail, and the link below mails that switches them off."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.accounts.actors import actor_for_user
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.models import User
from apps.core.client_address import client_address
from apps.core.exceptions import NotFound
from apps.core.forms import refusals_on
from apps.notifications.forms import MailChoicesForm
from apps.notifications.groups import label_of
from apps.notifications.selectors.preferences import list_mail_choices
from apps.notifications.services.preferences import set_mail_choices
from apps.notifications.unsubscribing import read_token


@console_page(needs_organization=False)
@require_http_methods(["GET", "POST"])
def preferences(request: ConsoleRequest) -> HttpResponse:
    """Choose which messages come by e-mail too."""
    form = MailChoicesForm(request.POST or None, choices=list_mail_choices(request.actor))
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            set_mail_choices(user=request.user, choices=form.chosen(), actor=request.actor)
            messages.success(request, _("Saved."))
            return redirect("notifications:preferences")
    return render(request, "notifications/preferences.html", {"form": form})


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signed address is the proof
@require_http_methods(["GET", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, then switch the mails of a group off; works without signing in."""
    wish = read_token(token)
    user = User.objects.filter(pk=wish.user_id).first() if wish else None
    if wish is None or user is None:
        raise NotFound
    is_done = request.method == "POST"
    if is_done:
        actor = actor_for_user(user, ip=client_address(request))
        set_mail_choices(user=user, choices={wish.group: False}, actor=actor)
    context = {"is_done": is_done, "group": label_of(wish.group)}
    return render(request, "notifications/unsubscribe.html", context)

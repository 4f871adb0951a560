"""The page behind an invitation's link."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import selectors, services
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.middleware import SESSION_ORGANIZATION, SESSION_WORKSPACE
from apps.accounts.models import Invitation
from apps.core import clock
from apps.core.exceptions import DomainError, NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id


@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Show an invitation to whoever holds its link; the invited person, signed in, accepts it."""
    found = selectors.find_invitation(secret)
    if found is None:
        raise NotFound
    is_open = not (found.accepted_at or found.revoked_at) and found.expires_at > clock.now()
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return _accept(cast("ConsoleRequest", request), found, on_refusal=request.path)
    is_invited = request.user.is_authenticated and request.user.email == found.email
    context = {"invitation": found, "is_open": is_open, "is_invited": is_invited}
    return render(request, "accounts/invitation.html", context)


@console_page(needs_organization=False)
@require_POST
def accept_own_invitation(request: ConsoleRequest, invitation_id: str) -> HttpResponse:
    """Accept an invitation for the own, verified address; no link is needed."""
    rows = selectors.invitations_for(selectors.get_user(request.actor))
    try:
        found = rows.filter(pk=parse_public_id(Invitation.id_prefix, invitation_id)).first()
    except InvalidPublicIdError:
        found = None
    if found is None:
        raise NotFound
    return _accept(request, found, on_refusal="accounts:create_organization")


def _accept(request: ConsoleRequest, invitation: Invitation, *, on_refusal: str) -> HttpResponse:
    try:
        services.accept_invitation(invitation=invitation, user=request.user, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect(on_refusal)
    request.session[SESSION_ORGANIZATION] = str(invitation.organization_id)
    request.session.pop(SESSION_WORKSPACE, None)
    name = invitation.organization.name
    messages.success(request, _("You are now a member of %(name)s.") % {"name": name})
    return redirect("/console/")

"""Private APIs: who was let in, and the page that an invitation's link opens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis import provider_selectors, selectors, services
from apps.apis.constants import MANAGE
from apps.apis.forms import AccessForm
from apps.portal.provider_tabs import tabs_of
from apps.portal.views.guests import Opening, answer_link, let_in

ACCESS_ROUTE = "portal:provider_api_access"


@console_page("apis.read")
@require_http_methods(["GET", "HEAD", "POST"])
def access(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """List who may see a private API; a POST lets one more in."""
    api = selectors.get_own_api(request.actor, api_id)
    can_manage = request.actor.can(MANAGE)
    form = AccessForm(request.POST or None)
    if request.method == "POST" and can_manage and form.is_valid():
        actor = request.actor
        invited = let_in(
            request,
            form,
            by_mail=lambda mail: services.invite_by_mail(api=api, email=mail, actor=actor),
            by_id=lambda key: services.grant_access(api=api, organization_id=key, actor=actor),
            done=_("The organization has access."),
        )
        if invited:
            return redirect(ACCESS_ROUTE, api.public_id)
    page_url = reverse("portal:provider_api", args=[api.public_id])
    context = {
        "api": api,
        "rows": list(provider_selectors.list_access(api)),
        "form": form,
        "can_manage": can_manage,
        "tabs": tabs_of(api),
        "crumbs": [
            (_("APIs"), reverse("portal:provider_apis")),
            (api.name, page_url),
            (_("Access"), ""),
        ],
    }
    return render(request, "portal/provider/access.html", context)


@console_page(MANAGE)
@require_POST
def remove_access(request: ConsoleRequest, api_id: str, access_id: str) -> HttpResponse:
    """Hide the API from an organization again."""
    api = selectors.get_own_api(request.actor, api_id)
    row = provider_selectors.get_access(api, access_id)
    services.remove_access(access=row, actor=request.actor)
    said = _("%(name)s no longer sees the API. Its subscriptions go on until somebody ends them.")
    messages.success(request, said % {"name": row.organization.name})
    return redirect(ACCESS_ROUTE, api.public_id)


@console_page("subscriptions.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: ConsoleRequest, token: str) -> HttpResponse:
    """Show an invitation to a private API; a POST accepts it for the present organization."""
    found = services.read_invitation(token)
    api = found.api
    opening = Opening(
        question=_("Use the private API %(name)s?") % {"name": api.name},
        lead=api.short_description,
        offer=_("%(provider)s provides it to organizations that it chooses.")
        % {"provider": api.organization.name},
        accept=lambda: services.accept_access(
            invitation=found, user=request.user, actor=request.actor
        ),
        done=_("Your organization may use %(name)s.") % {"name": api.name},
        leads_to=reverse("portal:api", args=[api.slug]),
    )
    return answer_link(request, opening)

"""Domains of a provider's own: the record that proves each, and whether it was seen."""

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
from apps.apis.domain_forms import DomainForm
from apps.apis.outbound_limits import DOMAIN_CHECKS
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.core.rate_limits import take_turn
from apps.portal.provider_tabs import tabs_of

DOMAINS_ROUTE = "portal:provider_api_domains"


@console_page("apis.read")
@require_http_methods(["GET", "HEAD", "POST"])
def domains(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """List an API's domains; a POST claims one more."""
    api = selectors.get_own_api(request.actor, api_id)
    can_manage = request.actor.can(MANAGE)
    form = DomainForm(request.POST or None)
    if request.method == "POST" and can_manage and form.is_valid():
        with refusals_on(form):
            hostname = form.cleaned_data["hostname"]
            services.add_domain(api=api, hostname=hostname, actor=request.actor)
            messages.success(request, _("Set the TXT record now, then have it looked for."))
            return redirect(DOMAINS_ROUTE, api.public_id)
    context = {
        "api": api,
        "rows": list(provider_selectors.list_domains(api)),
        "form": form,
        "can_manage": can_manage,
        "tabs": tabs_of(api),
        "crumbs": [
            (_("APIs"), reverse("portal:provider_apis")),
            (api.name, reverse("portal:provider_api", args=[api.public_id])),
            (_("Domains"), ""),
        ],
    }
    return render(request, "portal/provider/domains.html", context)


@console_page(MANAGE)
@require_POST
def verify_domain(request: ConsoleRequest, api_id: str, domain_id: str) -> HttpResponse:
    """Look for a domain's TXT record."""
    api = selectors.get_own_api(request.actor, api_id)
    domain = provider_selectors.get_domain(api, domain_id)
    try:
        take_turn(DOMAIN_CHECKS, request=request, actor=request.actor)
        domain = services.verify_domain(domain=domain, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect(DOMAINS_ROUTE, api.public_id)
    if domain.is_verified:
        messages.success(
            request, _("%(name)s is verified. Calls for it reach the API.") % {"name": domain}
        )
    else:
        messages.error(request, domain.last_error)
    return redirect(DOMAINS_ROUTE, api.public_id)


@console_page(MANAGE)
@require_POST
def remove_domain(request: ConsoleRequest, api_id: str, domain_id: str) -> HttpResponse:
    """Give a domain up."""
    api = selectors.get_own_api(request.actor, api_id)
    domain = provider_selectors.get_domain(api, domain_id)
    services.remove_domain(domain=domain, actor=request.actor)
    messages.success(request, _("%(name)s no longer leads to the API.") % {"name": domain})
    return redirect(DOMAINS_ROUTE, api.public_id)

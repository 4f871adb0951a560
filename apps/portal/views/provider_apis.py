"""The provider's APIs: the list, a new one, and the page of one with everything that belongs to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.apis import provider_selectors, selectors, services
from apps.apis.constants import APPROVAL_SUBJECT, MANAGE
from apps.apis.differences import describe_update
from apps.apis.forms import DocumentForm, NewApiForm, RequiredHeaderForm, SecretForm
from apps.apis.models import Api
from apps.apis.requirements import requirements_of
from apps.approvals.selectors import find_last_request, list_comments
from apps.core.actors import Actor
from apps.core.forms import refusals_on
from apps.core.http_client import refuse_inner_name
from apps.portal.provider_journey import journey_of
from apps.portal.provider_tabs import tabs_of
from apps.portal.upstream_warning import warn_if_unreachable

PAGE_SIZE = 50
HISTORY_OF_CHECKS = 10
NEWEST_CHANGES = 5
LIST_ROUTE = "portal:provider_apis"
PAGE_ROUTE = "portal:provider_api"


@console_page("apis.read")
@require_safe
def api_list(request: ConsoleRequest) -> HttpResponse:
    """List the organization's APIs with where each stands."""
    page = Paginator(selectors.list_own_apis(request.actor), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "can_manage": request.actor.can(MANAGE)}
    return render(request, "portal/provider/apis.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def create(request: ConsoleRequest) -> HttpResponse:
    """Make a draft; a document that is given with it is imported at once."""
    form = NewApiForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            refuse_inner_name(form.cleaned_data["upstream_url"], field="upstream_url")
            api = _create_with_document(form, request.actor)
            messages.success(request, _("The draft is made. The list below says what is missing."))
            warn_if_unreachable(request, api)
            return redirect(PAGE_ROUTE, api.public_id)
    crumbs = [(_("APIs"), reverse(LIST_ROUTE)), (_("New API"), "")]
    return render(request, "portal/provider/create.html", {"form": form, "crumbs": crumbs})


def _create_with_document(form: NewApiForm, actor: Actor) -> Api:
    """Read the document before the draft is made, so that a broken one leaves nothing behind."""
    url = form.cleaned_data.get("url") or ""
    content = services.fetch_openapi(url) if url else form.read_file()
    if content is not None:
        services.check_document(content)
    organization = get_current_organization(actor)
    api = services.create_api(organization=organization, fields=form.to_fields(), actor=actor)
    if content is not None:
        services.import_openapi(api=api, content=content, actor=actor, source_url=url)
    return api


@console_page("apis.read")
@require_safe
def api_page(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Show one API: where it stands, what is next, and what it is made of."""
    api = selectors.get_own_api(request.actor, api_id)
    return render(request, "portal/provider/api.html", _page_context(api, request.actor))


def _page_context(api: Api, actor: Actor) -> dict[str, Any]:
    requirements = requirements_of(api)
    approval = find_last_request(APPROVAL_SUBJECT, api.pk)
    update = provider_selectors.find_waiting_update(api)
    return {
        "api": api,
        "crumbs": [(_("APIs"), reverse(LIST_ROUTE)), (api.name, "")],
        "can_manage": actor.can(MANAGE),
        "can_edit": actor.can(MANAGE) and services.is_editable(api),
        "journey": journey_of(api),
        "requirements": requirements,
        "is_ready": all(state.is_met for state in requirements),
        "approval": approval,
        "comments": list(list_comments(approval, actor)) if approval else [],
        "version": selectors.find_current_version(api),
        "endpoints": list(selectors.list_endpoints(api)),
        "check": selectors.find_latest_check(api),
        "checks": list(api.health_checks.all()[:HISTORY_OF_CHECKS]),
        "secrets": list(api.upstream_secrets.order_by("header_name")),
        "changes": list(api.status_changes.order_by("-id")[:NEWEST_CHANGES]),
        "document_form": DocumentForm(),
        "secret_form": SecretForm(),
        "headers": list(provider_selectors.list_required_headers(api)),
        "header_form": RequiredHeaderForm(),
        "waiting_import": provider_selectors.find_waiting_import(api),
        "update": update,
        "update_rows": describe_update(update) if update else [],
        "tabs": tabs_of(api),
    }


@console_page("apis.read")
@require_safe
def history(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Show everything that happened to an API's state: when, by whom, why; and what is next."""
    api = selectors.get_own_api(request.actor, api_id)
    page_url = reverse(PAGE_ROUTE, args=[api.public_id])
    context = {
        "api": api,
        "journey": journey_of(api),
        "changes": list(api.status_changes.order_by("-id")),
        "updates": list(provider_selectors.list_updates(api)),
        "tabs": tabs_of(api),
        "crumbs": [(_("APIs"), reverse(LIST_ROUTE)), (api.name, page_url), (_("History"), "")],
    }
    return render(request, "portal/provider/history.html", context)

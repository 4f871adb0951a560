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
from apps.apis import selectors, services
from apps.apis.constants import APPROVAL_SUBJECT, MANAGE
from apps.apis.forms import DocumentForm, ListingForm, NewApiForm, SecretForm, UpstreamForm
from apps.apis.models import Api
from apps.apis.requirements import requirements_of
from apps.approvals.selectors import find_last_request, list_comments
from apps.core.actors import Actor
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.portal.provider_journey import journey_of

PAGE_SIZE = 50
HISTORY_OF_CHECKS = 10
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
            api = _create_with_document(form, request.actor)
            messages.success(request, _("The draft is made. The list below says what is missing."))
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
    return {
        "api": api,
        "crumbs": [(_("APIs"), reverse(LIST_ROUTE)), (api.name, "")],
        "can_manage": actor.can(MANAGE),
        "can_edit": actor.can(MANAGE) and services.is_editable(api),
        "journey": journey_of(api.status),
        "requirements": requirements,
        "is_ready": all(state.is_met for state in requirements),
        "approval": approval,
        "comments": list(list_comments(approval, actor)) if approval else [],
        "version": selectors.find_current_version(api),
        "endpoints": list(selectors.list_endpoints(api)),
        "check": selectors.find_latest_check(api),
        "checks": list(api.health_checks.all()[:HISTORY_OF_CHECKS]),
        "secrets": list(api.upstream_secrets.order_by("header_name")),
        "changes": list(api.status_changes.order_by("-id")),
        "document_form": DocumentForm(),
        "secret_form": SecretForm(),
    }


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def listing(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Change what the catalogue shows."""
    api = selectors.get_own_api(request.actor, api_id)
    initial = {name: getattr(api, name) for name in ListingForm.base_fields}
    initial["tags"] = ", ".join(api.tags)
    return _edit(
        request, api, ListingForm(request.POST or None, initial=initial), title=_("Listing")
    )


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def upstream(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Change where calls are forwarded to."""
    api = selectors.get_own_api(request.actor, api_id)
    initial = {name: getattr(api, name) for name in UpstreamForm.base_fields}
    return _edit(
        request, api, UpstreamForm(request.POST or None, initial=initial), title=_("Upstream")
    )


def _edit(
    request: ConsoleRequest, api: Api, form: ListingForm | UpstreamForm, *, title: str
) -> HttpResponse:
    page_url = reverse(PAGE_ROUTE, args=[api.public_id])
    # Taken before the change is tried: a refused one leaves its values on the object.
    crumbs = [(_("APIs"), reverse(LIST_ROUTE)), (api.name, page_url), (title, "")]
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.update_api(api=api, fields=form.to_fields(), actor=request.actor)
            messages.success(request, _("Saved."))
            return redirect(page_url)
    context = {
        "status": api.status,
        "form": form,
        "title": title,
        "crumbs": crumbs,
        "cancel_url": page_url,
    }
    return render(request, "portal/provider/edit.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def import_document(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Import an OpenAPI document and show what is wrong with it, place by place."""
    api = selectors.get_own_api(request.actor, api_id)
    form = DocumentForm(request.POST or None, request.FILES or None)
    problems: list[dict[str, str]] = []
    if request.method == "POST" and form.is_valid():
        try:
            done = _import(api, form, request.actor)
        except DomainError as error:
            problems = error.extra.get("errors", [])
            field = error.field if error.field in form.fields else None
            form.add_error(field, str(error.title if problems else error.detail))
        else:
            said = _("Version %(version)s with %(count)s operations is imported.")
            messages.success(
                request, said % {"version": done.version.name, "count": done.endpoint_count}
            )
            return redirect(PAGE_ROUTE, api.public_id)
    page_url = reverse(PAGE_ROUTE, args=[api.public_id])
    crumbs = [(_("APIs"), reverse(LIST_ROUTE)), (api.name, page_url), (_("Import OpenAPI"), "")]
    context = {
        "api": api,
        "form": form,
        "problems": problems,
        "crumbs": crumbs,
        "cancel_url": page_url,
    }
    return render(request, "portal/provider/import.html", context)


def _import(api: Api, form: DocumentForm, actor: Actor) -> services.ImportedDocument:
    url = form.cleaned_data.get("url") or ""
    content = services.fetch_openapi(url) if url else form.read_file() or b""
    return services.import_openapi(api=api, content=content, actor=actor, source_url=url)

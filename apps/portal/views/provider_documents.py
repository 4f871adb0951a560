"""The provider's documents and versions: read, compared, applied; prepared, published, ended."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis import provider_selectors, selectors, services
from apps.apis.constants import MANAGE
from apps.apis.differences import describe_changes
from apps.apis.forms import ChangelogForm, DocumentForm, SunsetForm, VersionForm
from apps.apis.models import Api, ApiVersion
from apps.apis.outbound_limits import DOCUMENT_FETCHES
from apps.core.exceptions import DomainError, NotFound
from apps.core.forms import refusals_on
from apps.core.rate_limits import take_turn
from apps.portal.provider_tabs import tabs_of

LIST_ROUTE = "portal:provider_apis"
PAGE_ROUTE = "portal:provider_api"
VERSIONS_ROUTE = "portal:provider_api_versions"
VERSION_ROUTE = "portal:provider_api_version"
IMPORT_ROUTE = "portal:provider_api_import_review"


def _crumbs(api: Api, *last: tuple[str, str]) -> list[tuple[str, str]]:
    page_url = reverse(PAGE_ROUTE, args=[api.public_id])
    return [(_("APIs"), reverse(LIST_ROUTE)), (api.name, page_url), *last]


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def import_document(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Read an OpenAPI document: the first is in force at once, a later one is compared first."""
    api = selectors.get_own_api(request.actor, api_id)
    form = DocumentForm(request.POST or None, request.FILES or None)
    problems: list[dict[str, str]] = []
    if request.method == "POST" and form.is_valid():
        try:
            done = _read(api, form, request)
        except DomainError as error:
            problems = error.extra.get("errors", [])
            field = error.field if error.field in form.fields else None
            form.add_error(field, str(error.title if problems else error.detail))
        else:
            return _after_reading(request, api, done)
    context = {
        "api": api,
        "form": form,
        "problems": problems,
        "crumbs": _crumbs(api, (_("Import OpenAPI"), "")),
        "cancel_url": reverse(PAGE_ROUTE, args=[api.public_id]),
    }
    return render(request, "portal/provider/import.html", context)


def _read(api: Api, form: DocumentForm, request: ConsoleRequest) -> services.ImportedDocument:
    url = form.cleaned_data.get("url") or ""
    if url:
        take_turn(DOCUMENT_FETCHES, request=request, actor=request.actor)
    content = services.fetch_openapi(url) if url else form.read_file() or b""
    work = services.prepare_import if api.versions.exists() else services.import_openapi
    return work(api=api, content=content, actor=request.actor, source_url=url)


def _after_reading(
    request: ConsoleRequest, api: Api, done: services.ImportedDocument
) -> HttpResponse:
    if done.is_unchanged:
        messages.info(request, _("This document is in force already; nothing changes."))
        return redirect(PAGE_ROUTE, api.public_id)
    if done.row is not None and done.row.settled_at is None:
        return redirect(IMPORT_ROUTE, api.public_id, done.row.public_id)
    said = _("Version %(version)s with %(count)s operations is imported.")
    messages.success(request, said % {"version": done.version_name, "count": done.endpoint_count})
    return redirect(PAGE_ROUTE, api.public_id)


@console_page("apis.read")
@require_http_methods(["GET", "HEAD"])
def import_review(request: ConsoleRequest, api_id: str, import_id: str) -> HttpResponse:
    """Show what a document would change, before it does."""
    api = selectors.get_own_api(request.actor, api_id)
    row = provider_selectors.get_import(api, import_id)
    changes = describe_changes(row.changes)
    context = {
        "api": api,
        "row": row,
        "changes": changes,
        "counts": {kind: sum(item.kind == kind for item in changes) for kind in COUNTED},
        "breaking_count": sum(item.is_breaking for item in changes),
        "update": provider_selectors.find_waiting_update(api),
        "can_manage": request.actor.can(MANAGE),
        "crumbs": _crumbs(api, (_("Import of version %(name)s") % {"name": row.version_name}, "")),
    }
    return render(request, "portal/provider/import_review.html", context)


COUNTED = ("added", "changed", "removed")


@console_page(MANAGE)
@require_POST
def apply_import(request: ConsoleRequest, api_id: str, import_id: str) -> HttpResponse:
    """Put a document in force."""
    api = selectors.get_own_api(request.actor, api_id)
    row = provider_selectors.get_import(api, import_id)

    def move() -> str:
        done = services.apply_import(row=row, actor=request.actor)
        if done.is_waiting:
            return _("It breaks present callers, so an approver decides. You will be told.")
        said = _("Version %(version)s with %(count)s operations is imported.")
        return said % {"version": done.version_name, "count": done.endpoint_count}

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def discard_import(request: ConsoleRequest, api_id: str, import_id: str) -> HttpResponse:
    """Forget a document."""
    api = selectors.get_own_api(request.actor, api_id)
    row = provider_selectors.get_import(api, import_id)

    def move() -> str:
        services.discard_import(row=row, actor=request.actor)
        return _("Discarded. Nothing has changed.")

    return _carry_out(request, api, move)


@console_page("apis.read")
@require_http_methods(["GET", "HEAD", "POST"])
def versions(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """List the versions; a POST prepares a new one."""
    api = selectors.get_own_api(request.actor, api_id)
    can_manage = request.actor.can(MANAGE)
    form = VersionForm(request.POST or None)
    if request.method == "POST" and can_manage and form.is_valid():
        with refusals_on(form):
            made = services.create_version(api=api, actor=request.actor, **form.cleaned_data)
            messages.success(request, _("Version %(name)s is a draft.") % {"name": made.name})
            return redirect(VERSION_ROUTE, api.public_id, made.public_id)
    context = {
        "api": api,
        "versions": list(provider_selectors.list_versions(api)),
        "form": form,
        "can_manage": can_manage,
        "tabs": tabs_of(api),
        "crumbs": _crumbs(api, (_("Versions"), "")),
    }
    return render(request, "portal/provider/versions.html", context)


@console_page("apis.read")
@require_http_methods(["GET", "HEAD", "POST"])
def version_page(request: ConsoleRequest, api_id: str, version_id: str) -> HttpResponse:
    """Show a version; a POST writes what changed in it."""
    api = selectors.get_own_api(request.actor, api_id)
    version = provider_selectors.get_version(api, version_id)
    can_manage = request.actor.can(MANAGE)
    form = ChangelogForm(request.POST or None, initial={"changelog": version.changelog})
    if request.method == "POST" and can_manage and form.is_valid():
        services.describe_version(version=version, actor=request.actor, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect(VERSION_ROUTE, api.public_id, version.public_id)
    context = {
        "api": api,
        "version": version,
        "endpoint_count": version.endpoints.count(),
        "form": form,
        "sunset_form": SunsetForm(),
        "can_manage": can_manage,
        "crumbs": _crumbs(
            api, (_("Versions"), reverse(VERSIONS_ROUTE, args=[api.public_id])), (version.name, "")
        ),
    }
    return render(request, "portal/provider/version.html", context)


@console_page(MANAGE)
@require_POST
def move_version(request: ConsoleRequest, api_id: str, version_id: str, move: str) -> HttpResponse:
    """Publish a version, make it the current one, announce its end, or end it."""
    api = selectors.get_own_api(request.actor, api_id)
    version = provider_selectors.get_version(api, version_id)
    moves: dict[str, Callable[[ConsoleRequest, ApiVersion], str]] = {
        "publish": _publish,
        "current": _make_current,
        "deprecate": _deprecate,
        "retire": _retire,
    }
    if move not in moves:
        raise NotFound
    url = reverse(VERSION_ROUTE, args=[api.public_id, version.public_id])
    return _carry_out(request, api, lambda: moves[move](request, version), url=url)


def _publish(request: ConsoleRequest, version: ApiVersion) -> str:
    services.publish_version(version=version, actor=request.actor)
    return _("Published.")


def _make_current(request: ConsoleRequest, version: ApiVersion) -> str:
    moved = services.make_version_current(version=version, actor=request.actor)
    if moved.is_current:
        return _("Its endpoints and documentation are shown from now on.")
    return _("It breaks present callers, so an approver decides. You will be told.")


def _deprecate(request: ConsoleRequest, version: ApiVersion) -> str:
    form = SunsetForm(request.POST)
    if not form.is_valid() or form.sunset_at is None:
        return _("Choose the day on which it ends.")
    services.deprecate_version(version=version, sunset_at=form.sunset_at, actor=request.actor)
    return _("Its end is announced; subscribers are told.")


def _retire(request: ConsoleRequest, version: ApiVersion) -> str:
    services.retire_version(version=version, actor=request.actor)
    return _("Retired.")


def _carry_out(
    request: ConsoleRequest, api: Api, move: Callable[[], str], url: str = ""
) -> HttpResponse:
    """Do it, say what came of it, and show the page again."""
    try:
        messages.success(request, move())
    except DomainError as error:
        messages.error(request, str(error.detail))
    return redirect(url) if url else redirect(PAGE_ROUTE, api.public_id)

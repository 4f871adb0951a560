"""The page of exports: ask for a file, watch it being written, fetch it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.exceptions import DomainError, problem_kinds
from apps.core.forms import refusals_on
from apps.usage import selectors, services
from apps.usage.export_files import file_response
from apps.usage.forms import ExportForm
from apps.usage.models import UsageExport
from apps.usage.spans import DEFAULT_SPAN

READ: Final = "usage.read"
PAGE_SIZE: Final = 25


@console_page(READ)
@require_http_methods(["GET", "POST"])
def exports(request: ConsoleRequest) -> HttpResponse:
    """List the organization's exports, and ask for one more."""
    if request.method == "POST":
        form = ExportForm(request.POST, actor=request.actor)
        if form.is_valid():
            with refusals_on(form):
                services.request_export(wish=form.wish(), actor=request.actor)
                return redirect("usage:exports")
    else:
        form = ExportForm(
            initial={"period": DEFAULT_SPAN.key, **request.GET.dict()}, actor=request.actor
        )
    crumbs = [(_("Usage"), reverse("usage:overview")), (_("Exports"), "")]
    context = {**_listed(request), "form": form, "crumbs": crumbs}
    return render(request, "usage/exports.html", context, status=422 if form.errors else 200)


@console_page(READ)
@require_GET
def exports_live(request: ConsoleRequest) -> HttpResponse:
    """Return the table alone: it asks for itself again while something is being written."""
    return render(request, "usage/_exports.html", _listed(request))


@console_page(READ)
@require_GET
def download_export(request: ConsoleRequest, export_id: str) -> HttpResponseBase:
    """Hand over the file."""
    export = selectors.get_export(request.actor, export_id)
    try:
        return file_response(export)
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
        return redirect("usage:exports")


@console_page(READ)
@require_POST
def cancel_export(request: ConsoleRequest, export_id: str) -> HttpResponse:
    """Call an export off."""
    export = selectors.get_export(request.actor, export_id)
    try:
        services.cancel_export(export=export, actor=request.actor)
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
    return redirect("usage:exports")


def _listed(request: ConsoleRequest) -> dict[str, Any]:
    rows = Paginator(selectors.exports_of(request.actor), PAGE_SIZE)
    page = rows.get_page(request.GET.get("page"))
    shown: list[UsageExport] = list(page)
    kinds = problem_kinds()
    return {
        "page_obj": page,
        "exports": [(row, kinds[row.error_code].title if row.error_code else "") for row in shown],
        "is_moving": any(row.is_unfinished for row in shown),
    }

"""Exports: the operators' own to fetch, everybody's to see how they went."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.admin import staff_actor
from apps.core.exceptions import DomainError, Forbidden
from apps.core.forms import refusals_on
from apps.usage import selectors
from apps.usage.admin.base import UsageAdmin
from apps.usage.enums import ExportSide, ExportStatus
from apps.usage.export_files import file_response
from apps.usage.forms import OperatorExportForm
from apps.usage.models import UsageExport
from apps.usage.services import cancel_export, request_export
from apps.usage.spans import DEFAULT_SPAN


@admin.register(UsageExport)
class UsageExportAdmin(UsageAdmin):
    """Exports of members are listed, but their files are not opened here."""

    list_display = (
        "created_at",
        "side",
        "organization",
        "subject",
        "file_format",
        "period_start",
        "period_end",
        "status",
        "row_count",
        "file",
    )
    list_filter = ("status", "side", "subject", "file_format")
    list_select_related = ("organization",)
    exclude = ("file_name",)
    actions = ("cancel_selected",)
    change_list_template = "usage/backoffice_exports.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the form and the download."""
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(self.ask), name="usage_export_new"),
            path("<str:public_id>/file/", wrap(self.download), name="usage_export_file"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer a new export to those who may ask for one."""
        context = {"can_ask": self.has_change_permission(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Ask for an operators' file; a job writes it."""
        if not self.has_change_permission(request):
            raise Forbidden(required="staff:operator")
        form = OperatorExportForm(request.POST or None, initial={"period": DEFAULT_SPAN.key})
        if request.method == "POST" and form.is_valid():
            with refusals_on(form):
                request_export(wish=form.wish(), actor=staff_actor(request).as_platform())
                messages.success(request, _("The file is being written. It is listed below."))
                return HttpResponseRedirect(reverse("admin:usage_usageexport_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("New export"),
            "opts": self.model._meta,
            "form": form,
        }
        page = TemplateResponse(request, "usage/backoffice_export_new.html", context)
        page.status_code = 422 if form.errors else 200
        return page

    @admin.action(
        description=gettext_lazy("Cancel the selected exports of operators"),
        permissions=("change",),
    )
    def cancel_selected(self, request: HttpRequest, exports: QuerySet[UsageExport]) -> None:
        """Stop writing them; those of members are theirs to cancel."""
        for export in exports:
            if export.side != ExportSide.OPERATOR:
                text = _("%(export)s belongs to a member.") % {"export": export.public_id}
                self.message_user(request, text, messages.ERROR)
                continue
            try:
                cancel_export(export=export, actor=staff_actor(request).as_platform())
            except DomainError as error:
                self.message_user(request, f"{export.public_id}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{export.public_id}: {_('cancelled')}")

    def download(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Hand over an operators' file."""
        actor = staff_actor(request)
        actor = actor.as_platform()
        return file_response(selectors.get_export(actor, public_id))

    @admin.display(description=gettext_lazy("file"))
    def file(self, export: UsageExport) -> str:
        """Link to an operators' file that is ready."""
        if export.side != ExportSide.OPERATOR or export.status != ExportStatus.READY:
            return ""
        url = reverse("admin:usage_export_file", args=[export.public_id])
        return format_html('<a href="{}">{}</a>', url, _("Download"))

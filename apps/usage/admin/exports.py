"""Exports: the operators' own to fetch, everybody's to see how they went."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.admin import staff_actor
from apps.usage import selectors
from apps.usage.admin.base import UsageAdmin
from apps.usage.enums import ExportSide, ExportStatus
from apps.usage.export_files import file_response
from apps.usage.models import UsageExport


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

    def get_urls(self) -> list[URLPattern]:
        """Add the download."""
        route = path(
            "<str:public_id>/file/",
            self.admin_site.admin_view(self.download),
            name="usage_export_file",
        )
        return [route, *super().get_urls()]

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

"""Months of calls in archives."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from apps.core.admin import staff_actor
from apps.core.exceptions import DomainError
from apps.usage.admin.base import UsageAdmin
from apps.usage.models import UsageArchive
from apps.usage.services import verify_archive


@admin.register(UsageArchive)
class UsageArchiveAdmin(UsageAdmin):
    """Which months lie in files, and whether the files are what was written."""

    list_display = (
        "month_start",
        "status",
        "row_count",
        "size_bytes",
        "verified_at",
        "problem",
        "removed_at",
    )
    list_filter = ("status", ("problem", admin.EmptyFieldListFilter))
    exclude = ("layout",)
    actions = ("verify",)

    @admin.action(
        description=gettext_lazy("Read the selected archives and compare"), permissions=["change"]
    )
    def verify(self, request: HttpRequest, queryset: QuerySet[UsageArchive]) -> None:
        """Verify archives that have a file."""
        done = 0
        for archive in queryset.exclude(file_name=""):
            try:
                verify_archive(archive=archive, actor=staff_actor(request))
                done += 1
            except DomainError as error:
                self.message_user(request, str(error.detail), messages.ERROR)
        if done:
            text = ngettext(
                "%(count)s archive is what was written.",
                "%(count)s archives are what was written.",
                done,
            )
            self.message_user(request, text % {"count": done})

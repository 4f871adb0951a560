"""The inbox."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.admin import staff_actor
from apps.core.dead_letters import retry_dead_letter
from apps.core.models import DeadLetter
from apps.usage.admin.base import UsageAdmin
from apps.usage.admin.events import EventsPage
from apps.usage.enums import BatchStatus
from apps.usage.models import (
    UsageBatch,
)


@admin.register(UsageBatch)
class UsageBatchAdmin(EventsPage, UsageAdmin):
    """The inbox: what came, and what became of it."""

    list_display = (
        "created_at",
        "source",
        "event_count",
        "status",
        "attempts",
        "processed_at",
        "last_error",
    )
    list_filter = ("status", "source")
    search_fields = ("idempotency_key", "source")
    exclude = ("body",)
    actions = ("retry",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[UsageBatch]:
        """Leave the bodies, which may be megabytes, in the database."""
        rows: QuerySet[UsageBatch] = super().get_queryset(request).defer("body")
        return rows

    @admin.action(description=gettext_lazy("Process failed batches again"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[UsageBatch]) -> None:
        """Retry the dead letters of failed batches; what is counted already stays counted once."""
        references = [batch.public_id for batch in queryset.filter(status=BatchStatus.FAILED)]
        letters = DeadLetter.objects.filter(
            source="usage.batch", reference__in=references, resolved_at=None
        )
        count = len(
            [
                retry_dead_letter(
                    letter=letter,
                    actor=staff_actor(request),
                    reason=_("Retried from the list of batches."),
                )
                for letter in letters
            ]
        )
        text = ngettext("%(count)s batch waits again.", "%(count)s batches wait again.", count)
        self.message_user(request, text % {"count": count})

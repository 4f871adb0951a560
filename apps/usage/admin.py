"""The back office's view of usage: batches, windows, late calls, quotas, shippers."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.admin import ReadOnlyAdmin, staff_actor
from apps.core.dead_letters import retry_dead_letter
from apps.core.models import DeadLetter
from apps.usage.enums import BatchStatus
from apps.usage.models import (
    LateEvent,
    Meter,
    QuotaState,
    ShipperState,
    UsageAlert,
    UsageBatch,
    UsageWindow,
)


class UsageAdmin(ReadOnlyAdmin):
    """Read by everybody in the back office; operators run the actions."""

    change_roles = ("operator",)


@admin.register(UsageBatch)
class UsageBatchAdmin(UsageAdmin):
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


@admin.register(UsageWindow)
class UsageWindowAdmin(UsageAdmin):
    """Hourly quantities."""

    list_display = (
        "window_start",
        "consumer_organization",
        "subscription",
        "meter",
        "quantity",
        "event_count",
        "error_count",
        "revision",
        "status",
    )
    list_filter = ("status", "meter")
    list_select_related = ("consumer_organization", "subscription__api", "subscription__plan")
    search_fields = ("consumer_organization__name", "subscription__api__name")


@admin.register(LateEvent)
class LateEventAdmin(UsageAdmin):
    """Calls that came after their period was closed: kept, not billed."""

    list_display = (
        "occurred_at",
        "consumer_organization",
        "subscription",
        "meter",
        "quantity",
        "state",
    )
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "meter")
    list_select_related = ("consumer_organization", "subscription__api", "subscription__plan")

    @admin.display(description=gettext_lazy("state"))
    def state(self, event: LateEvent) -> str:
        """Say whether somebody dealt with it."""
        return _("resolved") if event.resolved_at else _("open")


@admin.register(QuotaState)
class QuotaStateAdmin(UsageAdmin):
    """Quotas as last compared with the gateway's store."""

    list_display = ("subscription", "period_start", "used_calls", "limit_calls", "compared_at")
    list_select_related = ("subscription__api", "subscription__plan")


@admin.register(UsageAlert)
class UsageAlertAdmin(UsageAdmin):
    """What consumers were told about quotas and spend caps that run low."""

    list_display = (
        "created_at",
        "subscription",
        "kind",
        "threshold_percent",
        "used_calls",
        "bound_calls",
        "period_end",
    )
    list_filter = ("kind", "threshold_percent")
    list_select_related = ("subscription__api", "subscription__plan")


@admin.register(ShipperState)
class ShipperStateAdmin(UsageAdmin):
    """How far each gateway node has shipped its calls; closing waits for the slowest."""

    list_display = ("node", "oldest_unshipped_at", "reported_at")


@admin.register(Meter)
class MeterAdmin(UsageAdmin):
    """What is counted."""

    list_display = ("name", "api", "key", "aggregation", "window_s")
    list_select_related = ("api",)

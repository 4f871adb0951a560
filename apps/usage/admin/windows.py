"""Windows and late calls."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import (
    LateEvent,
    UsageWindow,
)


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

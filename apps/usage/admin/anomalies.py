"""Hours that were unlike their weekday, and what organizations want to hear of."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from apps.core.formatting import format_number
from apps.usage.admin.base import UsageAdmin
from apps.usage.models import AnomalySetting, UsageAnomaly


@admin.register(UsageAnomaly)
class UsageAnomalyAdmin(UsageAdmin):
    """Incidents, open ones and ended ones."""

    list_display = (
        "started_at",
        "organization",
        "listing",
        "kind",
        "seen",
        "resolved_at",
    )
    list_filter = ("kind", ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization", "api")

    @admin.display(description=_("API"), ordering="api__name")
    def listing(self, anomaly: UsageAnomaly) -> str:
        """The API that was called."""
        return anomaly.api.name

    @admin.display(description=_("observed, expected"), ordering="observed")
    def seen(self, anomaly: UsageAnomaly) -> str:
        """Calls in an hour, or percent that failed, against what is usual."""
        return f"{format_number(anomaly.observed, 0)}, {format_number(anomaly.expected, 0)}"


@admin.register(AnomalySetting)
class AnomalySettingAdmin(UsageAdmin):
    """What organizations chose."""

    list_display = ("organization", "api", "sensitivity", "updated_at")
    list_filter = ("sensitivity",)
    list_select_related = ("organization", "api")

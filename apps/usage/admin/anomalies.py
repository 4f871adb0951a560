"""Hours that were unlike their weekday, and what organizations want to hear of."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import AnomalySetting, UsageAnomaly


@admin.register(UsageAnomaly)
class UsageAnomalyAdmin(UsageAdmin):
    """Incidents, open ones and ended ones."""

    list_display = (
        "created_at",
        "organization",
        "api",
        "kind",
        "observed",
        "expected",
        "started_at",
        "resolved_at",
    )
    list_filter = ("kind", ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization", "api")


@admin.register(AnomalySetting)
class AnomalySettingAdmin(UsageAdmin):
    """What organizations chose."""

    list_display = ("organization", "api", "sensitivity", "updated_at")
    list_filter = ("sensitivity",)
    list_select_related = ("organization", "api")

"""Quotas, and who was told about them."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import (
    QuotaState,
    UsageAlert,
)


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

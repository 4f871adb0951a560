"""Budgets, and who was told about them."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import Budget, BudgetAlert


@admin.register(Budget)
class BudgetAdmin(UsageAdmin):
    """What organizations mean to stay within."""

    list_display = ("name", "organization", "currency", "meter", "period", "looked_at")
    list_filter = ("period", "currency")
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")


@admin.register(BudgetAlert)
class BudgetAlertAdmin(UsageAdmin):
    """What was told about budgets."""

    list_display = (
        "created_at",
        "budget",
        "threshold_percent",
        "is_projected",
        "used",
        "bound",
        "period_end",
    )
    list_filter = ("is_projected", "threshold_percent")
    list_select_related = ("budget__organization",)

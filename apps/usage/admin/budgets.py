"""Budgets, and who was told about them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from apps.core.formatting import format_money, format_number
from apps.usage.admin.base import UsageAdmin
from apps.usage.models import Budget, BudgetAlert


@admin.register(Budget)
class BudgetAdmin(UsageAdmin):
    """What organizations mean to stay within."""

    list_display = ("name", "organization", "bound", "period", "looked_at", "archived_at")
    list_filter = ("period", "currency")
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")

    @admin.display(description=_("at most"))
    def bound(self, budget: Budget) -> str:
        """The amount, or the quantity with its meter."""
        if budget.amount is not None:
            return format_money(budget.amount)
        return f"{format_number(budget.quantity or 0)} {budget.meter}"


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

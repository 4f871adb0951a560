"""Moves of subscribers to newer versions, as the operator sees them. Providers steer them in the console."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.subscriptions.models import MoveStep, PlanMove


@admin.register(PlanMove)
class PlanMoveAdmin(ReadOnlyAdmin):
    """Every move."""

    list_display = ("plan", "number", "moves_on", "status", "created_at", "settled_at")
    list_filter = ("status",)
    list_select_related = ("plan",)
    search_fields = ("plan__name", "organization__name")


@admin.register(MoveStep)
class MoveStepAdmin(ReadOnlyAdmin):
    """Every subscriber's step."""

    list_display = ("move", "subscription", "due_at", "status", "settled_at")
    list_filter = ("status",)
    list_select_related = ("move__plan", "subscription__api", "subscription__plan")
    search_fields = ("subscription__consumer_organization__name",)

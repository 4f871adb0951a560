"""The back office's view of planned changes, and of why people cancel."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.subscriptions.models import CancellationRequest, PlannedChange


@admin.register(PlannedChange)
class PlannedChangeAdmin(ReadOnlyAdmin):
    """Changes of plan that wait for the end of a period, and what became of them."""

    list_display = ("subscription", "plan", "quantity", "due_at", "status")
    list_filter = ("status",)
    list_select_related = ("subscription__api", "subscription__plan", "plan")
    search_fields = ("subscription__api__name", "subscription__consumer_organization__name")


@admin.register(CancellationRequest)
class CancellationRequestAdmin(ReadOnlyAdmin):
    """Cancellations with reason, feedback and what was given back."""

    list_display = ("subscription", "at", "outcome", "reason", "feedback", "created_at")
    list_filter = ("at", "outcome")
    list_select_related = ("subscription__api", "subscription__plan")
    search_fields = (
        "subscription__api__name",
        "subscription__consumer_organization__name",
        "feedback",
    )

"""The operator's view of plans and prices. Providers change them in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.core.admin import ReadOnlyAdmin
from apps.pricing.models import Plan, PlanInvitation, PriceComponent, PriceVersion


class PriceVersionInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """The prices that a plan has had."""

    model = PriceVersion
    fields = (
        "number",
        "currency",
        "interval",
        "quota_calls",
        "quota_kind",
        "billable_statuses",
        "published_at",
    )
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Versions come from services."""
        return False


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """Every plan of the marketplace."""

    list_display = ("name", "api", "organization", "status", "is_private", "created_at")
    list_filter = ("status", "is_private")
    list_select_related = ("api", "organization")
    search_fields = ("name", "api__name", "organization__name")
    inlines = (PriceVersionInline,)


class PriceComponentInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """What a version charges."""

    model = PriceComponent
    fields = (
        "meter",
        "name",
        "model",
        "unit_price",
        "flat_fee",
        "rate_percent",
        "fixed_fee",
        "free_units",
        "free_events",
        "free_amount",
        "min_per_event",
        "max_per_event",
        "min_spend",
        "max_spend",
    )
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Components come from services."""
        return False


@admin.register(PriceVersion)
class PriceVersionAdmin(ReadOnlyAdmin):
    """A price, which never changes once it is published."""

    list_display = ("plan", "number", "currency", "interval", "is_current", "published_at")
    list_filter = ("is_current", "currency")
    list_select_related = ("plan",)
    search_fields = ("plan__name",)
    inlines = (PriceComponentInline,)


@admin.register(PlanInvitation)
class PlanInvitationAdmin(ReadOnlyAdmin):
    """Who sees which private plan."""

    list_display = ("plan", "organization", "invited_at", "removed_at")
    list_select_related = ("plan", "organization")
    search_fields = ("plan__name", "organization__name")

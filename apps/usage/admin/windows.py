"""Windows."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import UsageWindow


@admin.register(UsageWindow)
class UsageWindowAdmin(UsageAdmin):
    """What events add up to."""

    change_list_template = "usage/backoffice_list.html"
    list_display = (
        "window_start",
        "consumer_organization",
        "subscription",
        "meter",
        "dimensions",
        "aggregation",
        "quantity",
        "event_count",
        "error_count",
        "late_count",
        "revision",
        "status",
        "closed_at",
        "updated_at",
        "watermark_at",
    )
    list_filter = ("status", "aggregation", "meter")
    list_select_related = ("consumer_organization", "subscription__api", "subscription__plan")
    search_fields = ("consumer_organization__name", "subscription__api__name")

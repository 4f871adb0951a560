"""Late events."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import LateEvent


@admin.register(LateEvent)
class LateEventAdmin(UsageAdmin):
    """What came behind its window's watermark: it revised the window, or waits for billing."""

    change_list_template = "usage/backoffice_list.html"
    list_display = (
        "occurred_at",
        "created_at",
        "consumer_organization",
        "subscription",
        "meter",
        "quantity",
        "window_start",
        "period_end",
        "resolution",
    )
    list_filter = ("resolution", "meter", "subscription__api")
    list_select_related = ("consumer_organization", "subscription__api", "subscription__plan")
    search_fields = ("consumer_organization__name", "subscription__api__name", "event_id__exact")

"""What is counted, and what could not be."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import Meter, MeterError


@admin.register(Meter)
class MeterAdmin(UsageAdmin):
    """Meters that providers made; they change them on the pages of their APIs."""

    list_display = (
        "name",
        "api",
        "key",
        "source",
        "aggregation",
        "window_s",
        "watermark_delay_s",
        "archived_at",
    )
    list_filter = ("source", "aggregation", ("archived_at", admin.EmptyFieldListFilter))
    list_select_related = ("api",)
    search_fields = ("name", "key", "api__name")


@admin.register(MeterError)
class MeterErrorAdmin(UsageAdmin):
    """Events that gave a meter no value, by reason."""

    list_display = ("meter", "code", "count", "last_at", "sample")
    list_filter = ("code",)
    list_select_related = ("meter",)
    search_fields = ("meter__name", "meter__key", "meter__api__name")

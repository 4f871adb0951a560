"""What is counted."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import (
    Meter,
)


@admin.register(Meter)
class MeterAdmin(UsageAdmin):
    """What is counted."""

    list_display = ("name", "api", "key", "aggregation", "window_s")
    list_select_related = ("api",)

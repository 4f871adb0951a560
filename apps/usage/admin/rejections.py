"""Events that were not taken."""

from __future__ import annotations

from django.contrib import admin

from apps.usage.admin.base import UsageAdmin
from apps.usage.models import RejectedEvent


@admin.register(RejectedEvent)
class RejectedEventAdmin(UsageAdmin):
    """Events of providers that were not taken, with the reason."""

    list_display = ("created_at", "code", "field", "reason", "event_id", "position")
    list_filter = ("code",)
    search_fields = ("event_id", "organization_id")
    list_select_related = ("batch",)

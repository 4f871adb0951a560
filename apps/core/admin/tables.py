"""The back office's pages of this app's own tables that are only read."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin.bases import ReadOnlyAdmin
from apps.core.models import AuditEvent, JobRun, OutboxMessage


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what, when, from where."""

    view_roles = ("operator", "finance")
    list_display = ("occurred_at", "action", "actor_label", "target_type", "target_id", "ip")
    list_filter = ("actor_kind",)
    search_fields = ("action__startswith", "target_id", "actor_user_id", "request_id")
    date_hierarchy = None


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """What waits to be delivered, and what was."""

    view_roles = ("operator",)
    list_display = ("created_at", "topic", "status", "attempts", "available_at", "last_error")
    list_filter = ("status",)
    search_fields = ("topic__startswith", "request_id")


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """Runs of background jobs."""

    view_roles = ("operator",)
    list_display = ("created_at", "name", "status", "trigger", "requested_by", "finished_at")
    list_filter = ("status", "trigger")
    search_fields = ("name__startswith",)

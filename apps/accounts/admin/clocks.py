"""The back office's page of moves of test clocks: how far they are, and what holds them up."""

from __future__ import annotations

from django.contrib import admin

from apps.accounts.clock_jumps import ClockJump
from apps.core.admin.bases import ReadOnlyAdmin


@admin.register(ClockJump)
class ClockJumpAdmin(ReadOnlyAdmin):
    """Moves of sandboxes' test clocks; one that does not arrive waits for calls, or says its error."""

    view_roles = ("operator",)
    list_display = (
        "organization",
        "status",
        "from_time",
        "to_time",
        "reached_at",
        "waits_for",
        "error",
    )
    list_filter = ("status",)
    list_select_related = ("organization",)
    search_fields = ("organization__name",)

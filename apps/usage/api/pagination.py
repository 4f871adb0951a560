"""Cursors over calls and windows, which are ordered by business time."""

from __future__ import annotations

from apps.core.api.pagination import CursorPagination


class EventPagination(CursorPagination):
    """Newest call first."""

    ordering = ("-occurred_at", "-event_id")  # type: ignore[assignment]  # DRF takes both


class WindowPagination(CursorPagination):
    """Newest hour first."""

    ordering = ("-window_start", "-id")  # type: ignore[assignment]  # DRF takes both

"""Cursors over calls and windows, which are ordered by business time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor
from rest_framework.request import Request

from apps.core.api.pagination import CursorPagination
from apps.usage.models import UsageEvent
from apps.usage.selectors import CallHistory


class EventPagination(CursorPagination):
    """Newest call first."""

    ordering = ("-occurred_at", "-event_id")  # type: ignore[assignment]  # DRF takes both


class WindowPagination(CursorPagination):
    """Newest hour first."""

    ordering = ("-window_start", "-id")  # type: ignore[assignment]  # DRF takes both


class HistoryPagination(EventPagination):
    """Newest call first, also where calls lie in archives; there only the way to older ones is linked."""

    _is_history = False
    _behind: UsageEvent | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Take a page of a query, or of a history."""
        self._is_history = isinstance(queryset, CallHistory)
        if not self._is_history:
            return super().paginate_queryset(queryset, request, view=view)
        self.base_url = request.build_absolute_uri()
        self.cursor = self.decode_cursor(request)
        size = self.get_page_size(request) or self.page_size
        before = _place(self.cursor.position) if self.cursor else None
        rows = queryset.newest_first(limit=size + 1, before=before)
        self._behind = rows[size - 1] if len(rows) > size else None
        return rows[:size]

    def get_next_link(self) -> str | None:
        """Link to older calls."""
        if not self._is_history:
            return super().get_next_link()
        if self._behind is None:
            return None
        position = f"{self._behind.occurred_at.isoformat()}/{self._behind.event_id}"
        return self.encode_cursor(Cursor(offset=0, reverse=False, position=position))  # type: ignore[arg-type]  # its own positions are texts too

    def get_previous_link(self) -> str | None:
        """Link to newer calls; not within a history."""
        return None if self._is_history else super().get_previous_link()


def _place(position: Any) -> tuple[datetime, UUID]:
    time, _slash, event_id = str(position or "").rpartition("/")
    try:
        return datetime.fromisoformat(time), UUID(event_id)
    except ValueError:
        raise NotFound(CursorPagination.invalid_cursor_message) from None

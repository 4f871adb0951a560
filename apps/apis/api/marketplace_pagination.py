"""Pages of search results: a place in the order, carried in the same opaque cursor as everywhere."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import Cursor
from rest_framework.request import Request

from apps.apis.models import Api
from apps.apis.selectors import Results
from apps.core.api.pagination import CursorPagination


class PlaceCursor(CursorPagination):
    """Walks results by their place: what is best does not order by a column that a cursor could hold."""

    # What people look at before they ask again; whoever wants more says so.
    page_size = 20
    # As far as anybody reads; enumerating the catalogue stays possible at any size that is met.
    offset_cutoff = 1_000_000

    def page_of(self, results: Results, request: Request) -> list[Api]:
        """Return the rows that the request's cursor points at."""
        self.request = request
        self.base_url = request.build_absolute_uri()
        self.page_size = self.get_page_size(request) or self.page_size
        cursor = self.decode_cursor(request)
        self._start = int(cursor.offset) if cursor else 0
        results.reach(self._start + self.page_size)
        self._end = min(self._start + self.page_size, len(results))
        self._total = len(results)
        return results[self._start : self._end]

    def get_next_link(self) -> str | None:
        """Return the address of the page behind this one."""
        return self._link_to(self._end) if self._end < self._total else None

    def get_previous_link(self) -> str | None:
        """Return the address of the page before this one."""
        return self._link_to(max(0, self._start - self.page_size)) if self._start else None

    def _link_to(self, place: int) -> str:
        link: str = self.encode_cursor(Cursor(offset=place, reverse=False, position=None))
        return link

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the envelope for the OpenAPI document."""
        envelope = super().get_paginated_response_schema(schema)
        envelope["required"] = [*envelope["required"], "total", "is_capped", "searched"]
        envelope["properties"] |= {
            "total": {
                "type": "integer",
                "description": "How many were found; of very many, the least that there are.",
            },
            "is_capped": {
                "type": "boolean",
                "description": "There are more than `total`; all of them are behind `next`.",
            },
            "searched": {
                "type": "string",
                "nullable": True,
                "description": "What was searched, because nothing matched `q`.",
            },
        }
        return envelope

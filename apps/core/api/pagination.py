"""Lists in one envelope: by cursor, stable under inserts and never counted, or whole where they are short."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.response import Response


class CursorPagination(BaseCursorPagination):
    """Newest first, 50 a page, at most 200; `next` and `previous` are whole URLs or null."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"

    def get_paginated_response(self, data: Any) -> Response:
        """Answer the rows with the links to the neighbouring pages."""
        return Response(
            {"data": data, "next": self.get_next_link(), "previous": self.get_previous_link()}
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the envelope for the OpenAPI document."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["data", "next", "previous"],
            "properties": {"data": schema, "next": link, "previous": link},
        }


class WholeList(CursorPagination):
    """A short list answered whole, in the order it has and in the envelope of the others."""

    def paginate_queryset(
        self,
        queryset: Iterable[Any],
        request: Any,  # noqa: ARG002 -- the base class's
        view: Any = None,  # noqa: ARG002 -- the base class's
    ) -> list[Any]:
        """Take every row."""
        return list(queryset)

    def get_next_link(self) -> None:
        """There is no other page."""

    def get_previous_link(self) -> None:
        """There is no other page."""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:  # noqa: ARG002 -- the base class's
        """Take no cursor."""
        return []

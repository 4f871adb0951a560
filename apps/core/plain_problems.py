"""Problems where the REST framework is not reached: middleware and the last-resort handlers."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse

from apps.core.api.problems import CONTENT_TYPE, TYPE_PREFIX
from apps.core.request_context import current_request_id


def plain_problem(
    status: int, code: str, title: str, detail: str = "", **members: Any
) -> JsonResponse:
    """Answer a problem where the REST framework is not reached."""
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail or title,
        "request_id": current_request_id(),
        **members,
    }
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)

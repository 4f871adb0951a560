"""Errors as problem+json (RFC 9457), with a stable `code` and a pointer per field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions as drf
from rest_framework.response import Response

from apps.core.exceptions import DomainError, NotFound
from apps.core.request_context import current_request_id

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "/problems/"


def problem(
    *,
    status: int,
    code: str,
    title: str,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Build a problem response."""
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail or title,
        "request_id": current_request_id(),
        **members,
    }
    return Response(body, status=status, headers=dict(headers or {}), content_type=CONTENT_TYPE)


def problem_response(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Render what a view raised; DRF calls this. Unknown errors stay unknown (500, Sentry)."""
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, PermissionDenied):
        error = drf.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        return problem(
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            code="body_too_large",
            title=_("The body is too large"),
        )
    if isinstance(error, DjangoValidationError):
        error = drf.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else error.messages
        )
    if isinstance(error, DomainError):
        _roll_back()
        return _from_domain(error)
    if isinstance(error, drf.APIException):
        _roll_back()
        return _from_drf(error)
    return None


def _roll_back() -> None:
    connection = transaction.get_connection()
    if connection.in_atomic_block and connection.settings_dict["ATOMIC_REQUESTS"]:
        transaction.set_rollback(True)


def _from_domain(error: DomainError) -> Response:
    headers = {}
    if "retry_after_s" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after_s"])
    elif error.retryable:
        headers["Retry-After"] = "1"
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    members = dict(error.extra)
    if error.field:
        members["errors"] = [
            {"pointer": f"/{error.field}", "code": error.error_code, "detail": str(error.detail)}
        ]
    return problem(
        status=error.status,
        code=error.error_code,
        title=str(error.title),
        detail=str(error.detail),
        headers=headers,
        **members,
    )


def _from_drf(error: drf.APIException) -> Response:
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]  # set by DRF
    if getattr(error, "wait", None) is not None:
        headers["Retry-After"] = str(int(error.wait))  # type: ignore[attr-defined]  # Throttled
    if isinstance(error, drf.ValidationError):
        return problem(
            status=400,
            code="validation_error",
            title=_("The request is not valid"),
            headers=headers,
            errors=list(pointers_of(error.detail, "")),
        )
    code = error.get_codes()
    return problem(
        status=error.status_code,
        code=code if isinstance(code, str) else error.default_code,
        title=_title_of(error),
        detail=str(error.detail),
        headers=headers,
    )


def _title_of(error: drf.APIException) -> str:
    """Return what all errors of a kind are called; where DRF has only a pattern, the words of the status."""
    title = str(error.default_detail)
    return HTTPStatus(error.status_code).phrase if "{" in title else title


def pointers_of(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Flatten DRF's nested error detail into JSON pointers."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            is_whole = name in {"non_field_errors", "__all__"}
            yield from pointers_of(inner, pointer if is_whole else f"{pointer}/{name}")
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, inner in enumerate(detail):
            is_leaf = isinstance(inner, str)
            yield from pointers_of(inner, pointer if is_leaf else f"{pointer}/{index}")
    else:
        code = getattr(detail, "code", "invalid")
        yield {"pointer": pointer or "/", "code": code, "detail": str(detail)}

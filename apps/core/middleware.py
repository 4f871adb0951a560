"""Request ids for every request, and domain errors for every page."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import select_template
from django.urls import is_valid_path
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError, RequestTooLarge
from apps.core.plain_problems import plain_problem
from apps.core.request_context import REQUEST_ID_HEADER, accept_request_id, request_id_scope

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Accept or mint the request id, bind it to the logs and echo it."""

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request under its id."""
        request_id = accept_request_id(request.headers.get(REQUEST_ID_HEADER, ""))
        request.META["HTTP_X_REQUEST_ID"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        with request_id_scope(request_id):
            response = self.get_response(request)
        response[REQUEST_ID_HEADER] = request_id
        return response


class ApiSlashMiddleware:
    """Serve REST paths with and without a slash at the end alike.

    A redirect, Django's usual help, would turn a POST into a GET.
    """

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Correct the path if only the slash is wrong."""
        if request.path_info.startswith("/api/") and not is_valid_path(request.path_info):
            path = request.path_info
            other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
            if is_valid_path(other):
                request.path_info = request.path = other
        return self.get_response(request)


class RequestSizeMiddleware:
    """Refuse what announces more than `MAX_REQUEST_BYTES`, before anything reads the body.

    The check of the CSRF token would read all of a form, files included; so this stands before it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Answer 413: a problem below `/api/`, a page elsewhere."""
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not announced.isdecimal() or int(announced) <= settings.MAX_REQUEST_BYTES:
            return None
        limit = settings.MAX_REQUEST_BYTES // (1024 * 1024)
        error = RequestTooLarge(_("A request has at most %(limit)s MB.") % {"limit": limit})
        if request.path.startswith("/api/"):
            return plain_problem(
                error.status, error.error_code, str(error.title), str(error.detail)
            )
        return error_page(request, error)


class DomainErrorMiddleware:
    """Turn a domain error that a page did not handle into the matching error page."""

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Render `<status>.html`, or `error.html` where that page does not exist."""
        if not isinstance(exception, DomainError):
            return None
        return error_page(request, exception)


def error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Render the page of a refusal."""
    template = select_template([f"{error.status}.html", "error.html"])
    context = {"error": error, "status": error.status}
    return HttpResponse(template.render(context, request), status=error.status)

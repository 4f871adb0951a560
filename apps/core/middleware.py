"""Request ids for every request, and domain errors for every page."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.loader import select_template
from django.urls import is_valid_path

from apps.core.exceptions import DomainError
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
        templates = [f"{exception.status}.html", "error.html"]
        template = select_template(templates)
        context = {"error": exception, "status": exception.status}
        return HttpResponse(template.render(context, request), status=exception.status)

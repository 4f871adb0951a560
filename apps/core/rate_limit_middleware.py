"""Limits of the platform's own API, and the headers that tell of them.

A view of the REST framework takes its turn when it knows who calls (`ApiView.perform_authentication`); every other answer
below `/api/` takes it here, those to addresses that do not exist included.

Source: docs/operations/rate-limits.md.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.core.actors import Actor
from apps.core.api.rate_limits import ApiRateLimitExceeded, require_turn
from apps.core.limiter.turns import API_PREFIX, VERDICT
from apps.core.limiter.windows import Verdict
from apps.core.plain_problems import plain_problem


class ApiRateLimitMiddleware:
    """Limits what no REST view limits, and writes the headers of every answer below `/api/`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request; an answer that came before any view still takes a turn."""
        response = self.get_response(request)
        if not request.path_info.startswith(API_PREFIX):
            return response
        if not hasattr(request, VERDICT):
            response = self._take(request, Actor.anonymous()) or response
        verdict: Verdict | None = getattr(request, VERDICT)
        if verdict is not None:
            for name, value in verdict.headers.items():
                response[name] = value
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        _args: object,
        _kwargs: object,
    ) -> HttpResponse | None:
        """Take the turn of a plain view, by session or address."""
        if not request.path_info.startswith(API_PREFIX) or _takes_its_own(view):
            return None
        return self._take(request, getattr(request, "actor", None) or Actor.anonymous())

    def _take(self, request: HttpRequest, actor: Actor) -> HttpResponse | None:
        try:
            require_turn(request, actor)
        except ApiRateLimitExceeded as error:
            return plain_problem(
                error.status,
                error.error_code,
                str(error.title),
                str(error.detail),
                **error.extra,
            )
        return None


def _takes_its_own(view: Callable[..., HttpResponse]) -> bool:
    found = getattr(view, "cls", None)
    return bool(getattr(found, "takes_turns", False))

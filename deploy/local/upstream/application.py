"""The RSGI application: finds the handler, counts the call, encodes the answer."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from deploy.local.upstream import handlers
from deploy.local.upstream.messages import ProblemError, Request

Handler = Callable[[Request], dict[str, Any] | Awaitable[dict[str, Any]]]

MAX_BODY_BYTES = 1 << 20
JSON_HEADERS = [("content-type", "application/json")]
PROBLEM_HEADERS = [("content-type", "application/problem+json")]
MAX_SEEN_PATHS = 10_000
CITY_PREFIX = "/v1/cities/"

HANDLERS: dict[str, dict[str, Handler]] = {
    "/healthz": {"GET": handlers.check_health},
    "/v1/cities": {"GET": handlers.list_cities},
    "/v1/cities/{id}": {"GET": handlers.get_city},
    "/v1/countries": {"GET": handlers.list_countries},
    "/v1/nearest": {"GET": handlers.find_nearest},
    "/v1/currencies": {"GET": handlers.list_currencies},
    "/v1/rates": {"GET": handlers.list_rates},
    "/v1/convert": {"GET": handlers.convert_amount},
    "/v1/routes": {"POST": handlers.plan_route},
    "/v1/reports/slow": {"GET": handlers.report_slowly},
    "/v1/flaky": {"GET": handlers.answer_flakily},
}
ECHO_PATH = "/_echo"
SEEN_PATH = "/_seen"
OPENAPI_PATH = "/openapi.json"

encode = msgspec.json.Encoder().encode
# Calls by "METHOD path" as it arrived; the test aids and the health probe do not count.
seen: Counter[str] = Counter()


class Scope(Protocol):
    """What the server knows of a request before its body."""

    method: str
    path: str
    query_string: str
    headers: Any


class Connection(Protocol):
    """The server's side of one exchange."""

    async def __call__(self) -> bytes: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


async def application(scope: Scope, connection: Connection) -> None:
    """Answer one request."""
    try:
        status, headers, body = await _answer(scope, connection)
    except ProblemError as problem:
        status, headers, body = problem.status, PROBLEM_HEADERS, encode(problem.body())
    connection.response_bytes(status, headers, body)


async def _answer(scope: Scope, connection: Connection) -> tuple[int, list[tuple[str, str]], bytes]:
    if scope.path == SEEN_PATH:
        return HTTPStatus.OK, JSON_HEADERS, encode(_show_or_forget_seen(scope.method))
    if scope.path != "/healthz":
        _count(f"{scope.method} {scope.path}")
    if scope.path == OPENAPI_PATH:
        return HTTPStatus.OK, JSON_HEADERS, handlers.openapi_document
    handler, values = _find_handler(scope)
    request = Request(
        method=scope.method,
        path=scope.path,
        headers=scope.headers,
        query=scope.query_string,
        body=b"" if scope.method == "GET" else await _read_body(connection),
        values=values,
    )
    answer = handler(request)
    result = await answer if inspect.isawaitable(answer) else answer
    return HTTPStatus.OK, JSON_HEADERS, encode(result)


def _count(call: str) -> None:
    seen[call if call in seen or len(seen) < MAX_SEEN_PATHS else "other"] += 1


async def _read_body(connection: Connection) -> bytes:
    body = await connection()
    if len(body) > MAX_BODY_BYTES:
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than 1 MiB.")
    return body


def _find_handler(scope: Scope) -> tuple[Handler, dict[str, str]]:
    if scope.path == ECHO_PATH:
        return handlers.echo, {}
    pattern, values = scope.path, {}
    if scope.path.startswith(CITY_PREFIX):
        pattern, values = "/v1/cities/{id}", {"id": scope.path.removeprefix(CITY_PREFIX)}
    by_method = HANDLERS.get(pattern)
    if by_method is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"No path {scope.path}.")
    handler = by_method.get(scope.method)
    if handler is None:
        raise ProblemError(
            HTTPStatus.METHOD_NOT_ALLOWED, f"{scope.path} takes {', '.join(by_method)}."
        )
    return handler, values


def _show_or_forget_seen(method: str) -> dict[str, Any]:
    """Return the counts; DELETE starts them again, and the flaky path with them."""
    counted = {"total": seen.total(), "paths": dict(seen)}
    if method == "DELETE":
        seen.clear()
        handlers.flaky_calls.clear()
    return counted

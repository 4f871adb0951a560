"""How each proxy asks: which of its headers tell the call, and which method and path it was.

Caddy's configuration captures everything in headers of ours. The others tell the original target, which is read
here; a slug that they send as well must say the same, so a header that a client smuggled in decides nothing.

Source: docs/architecture/gateway.md §1.1.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.decision import Call
from apps.gateway.paths import UNREADABLE, UnsafePathError, read_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.gateway.authorizer.headers import Headers
    from apps.gateway.authorizer.http import Request
    from apps.gateway.authorizer.problems import Answer

PREFIX: Final = "/authz/"
CADDY: Final = "caddy"
NGINX: Final = "nginx"
ENVOY: Final = "envoy"
TRAEFIK: Final = "traefik"

MAX_REQUEST_ID_CHARS: Final = 64
_NO_TEXT: Final = UNREADABLE.encode()
_method: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,31}")


def profile_of(path: str) -> str:
    """Return the name of the proxy that asks at a path; empty when it is no question about a call."""
    return path[len(PREFIX) :].partition("/")[0] if path.startswith(PREFIX) else ""


def read_caddy(request: Request) -> Call:
    """Read the question of our Caddy, whose headers say everything."""
    first = request.headers.first.get
    try:
        return Call(
            first("x-tollgate-request-id", b"").decode()[:MAX_REQUEST_ID_CHARS],
            first("x-tollgate-slug", b"").decode(),
            first("x-tollgate-method", b"GET").decode(),
            first("x-tollgate-path", _NO_TEXT).decode() or "/",
            first("x-tollgate-client-ip", b"").decode(),
            request.headers,
            raw_target=first("x-tollgate-target", b"").decode(),
        )
    except UnicodeDecodeError:
        return _read_strange_caddy(request)


def _read_strange_caddy(request: Request) -> Call:
    """Read a question that holds something which is no text."""
    get = request.headers.get
    path = get("x-tollgate-path")
    return Call(
        request_id=(get("x-tollgate-request-id") or "")[:MAX_REQUEST_ID_CHARS],
        slug=get("x-tollgate-slug") or "",
        method=get("x-tollgate-method") or "GET",
        # Caddy always sends it; what does not arrive was no text.
        path=UNREADABLE if path is None else path or "/",
        client_ip=get("x-tollgate-client-ip") or "",
        headers=request.headers,
        raw_target=get("x-tollgate-target") or "",
    )


def read_nginx(request: Request) -> Call | Answer:
    """Read the question of an `auth_request`: id and address in our headers, method and target in the usual ones."""
    headers = request.headers
    request_id = _only(headers, "x-tollgate-request-id")
    method = _only(headers, "x-original-method")
    uri = _only(headers, "x-original-uri")
    client_ip = _only(headers, "x-tollgate-client-ip")
    if not request_id or client_ip is None:
        return problems.PROXY_REQUEST_INCOMPLETE
    return _call(
        headers, request_id[:MAX_REQUEST_ID_CHARS], method=method, uri=uri, client_ip=client_ip
    )


def read_traefik(request: Request) -> Call | Answer:
    """Read the question of a ForwardAuth. It has no id of its own, and the client's is not believed."""
    headers = request.headers
    method = _only(headers, "x-forwarded-method")
    uri = _only(headers, "x-forwarded-uri")
    return _call(
        headers, uuid.uuid4().hex, method=method, uri=uri, client_ip=_last_address(headers)
    )


def read_envoy(request: Request) -> Call | Answer:
    """Read the question of an HTTP ext_authz: the call's own method, and its target after the prefix."""
    headers = request.headers
    uri = request.path[len(PREFIX) + len(ENVOY) :]
    return _call(
        headers, uuid.uuid4().hex, method=request.method, uri=uri, client_ip=_last_address(headers)
    )


READERS: Final[dict[str, Callable[[Request], Call | Answer]]] = {
    CADDY: read_caddy,
    NGINX: read_nginx,
    ENVOY: read_envoy,
    TRAEFIK: read_traefik,
}


def _call(
    headers: Headers, request_id: str, *, method: str | None, uri: str | None, client_ip: str
) -> Call | Answer:
    if not method or not uri or not _method.fullmatch(method):
        return problems.PROXY_REQUEST_INCOMPLETE
    try:
        target = read_target(uri)
    except UnsafePathError:
        return problems.INVALID_PATH
    slugs = headers.get_all("x-tollgate-slug")
    if any(slug != target.slug for slug in slugs):
        return problems.INVALID_PATH
    return Call(request_id, target.slug, method, target.path, client_ip, headers, raw_target=uri)


def _only(headers: Headers, name: str) -> str | None:
    """Return the value of a header that the proxy sets; a second one is somebody else's, so none is believed."""
    values = headers.get_all(name)
    return values[0] if len(values) == 1 else None


def _last_address(headers: Headers) -> str:
    """Return the address that the proxy itself added: the last one."""
    values = headers.get_all("x-forwarded-for")
    return values[-1].rpartition(",")[2].strip() if values else ""

"""Tells the proxy where an allowed call goes: constant headers of a route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apps.gateway.entries import MAX_UPSTREAM_HEADERS, handler_of

if TYPE_CHECKING:
    from apps.gateway.authorizer.problems import HeaderList
    from apps.gateway.entries import Route

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def upstream_headers(route: Route) -> HeaderList:
    """Return the headers of a 200: the mark of an allowed call, the upstream, and its secrets."""
    literal = f"[{route.host}]" if ":" in route.host else route.host
    default = _DEFAULT_PORTS[route.scheme] == route.port
    kind = f"{route.scheme}+headers" if route.upstream_headers else route.scheme
    headers = [
        ("x-authz", "allow"),
        ("x-upstream-kind", handler_of(kind, route.timeout)),
        ("x-upstream-dial", f"{literal}:{route.port}"),
        ("x-upstream-host", literal if default else f"{literal}:{route.port}"),
    ]
    if route.base_path:
        headers.append(("x-upstream-base", route.base_path))
    if route.upstream_headers:
        # Caddy sets every slot; it deletes the names of the unused ones again.
        unused = [
            (f"X-Tollgate-Slot-{slot}", "")
            for slot in range(len(route.upstream_headers), MAX_UPSTREAM_HEADERS)
        ]
        for slot, (name, value) in enumerate([*route.upstream_headers, *unused], start=1):
            headers.append((f"x-upstream-name-{slot}", name))
            headers.append((f"x-upstream-value-{slot}", value))
    return headers


def contract_upstream_headers(route: Route) -> HeaderList:
    """Return the upstream for proxies that keep what an answer leaves out: each header, empty when unused."""
    literal = f"[{route.host}]" if ":" in route.host else route.host
    values = dict(upstream_headers(route))
    values["x-upstream"] = f"{route.scheme}://{literal}:{route.port}{route.base_path}"
    values.setdefault("x-upstream-base", "")
    for slot in range(1, MAX_UPSTREAM_HEADERS + 1):
        is_used = slot <= len(route.upstream_headers)
        name, value = route.upstream_headers[slot - 1] if is_used else ("", "")
        values[f"x-upstream-name-{slot}"], values[f"x-upstream-value-{slot}"] = name, value
    values["x-auth-status"] = "200"
    return list(values.items())

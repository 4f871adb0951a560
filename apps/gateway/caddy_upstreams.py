"""The handlers of Caddy's configuration that dial upstreams: one for each kind, times the times to answer."""

from __future__ import annotations

from typing import Any, Final

from apps.gateway.entries import MAX_UPSTREAM_HEADERS, UpstreamKind, UpstreamTimeout, handler_of
from apps.gateway.proxy_contract import (
    ANSWER_MARGIN_S,
    CONNECT_TIMEOUT_S,
    CREDENTIAL_HEADERS,
    FORWARDED_HEADERS,
    MAX_HEADER_BYTES,
    STOP_TIMEOUT_S,
)

Json = dict[str, Any]

# The authorizer's answer, until the upstream has answered.
ANSWER: Final = "{http.reverse_proxy.header.%s}"
STOP_TIMEOUT: Final = f"{STOP_TIMEOUT_S}s"
_CREDENTIALS_AWAY: Final = {
    "handler": "headers",
    "request": {"delete": list(CREDENTIAL_HEADERS)},
}


def upstream_routes(resolver: str, longest_s: int) -> list[Json]:
    """Return the routes that dial what the authorizer answered, those that most calls match first.

    Args:
        resolver: address of the name server that vets upstreams' names.
        longest_s: the longest call in seconds.
    """
    return [
        {
            "match": [{"vars": {ANSWER % "X-Upstream-Kind": [handler_of(kind, timeout)]}}],
            "handle": [
                # Providers may have an `Authorization` of their own, so the caller's goes before theirs comes.
                *([_CREDENTIALS_AWAY] if kind.has_headers else []),
                _upstream(kind, timeout, resolver, longest_s),
            ],
            "terminal": True,
        }
        for timeout in UpstreamTimeout
        for kind in UpstreamKind
    ]


def _upstream(kind: UpstreamKind, timeout: UpstreamTimeout, resolver: str, longest_s: int) -> Json:
    """Dial what the authorizer answered.

    One handler for http, https, and each with provider headers, times the times to answer: Caddy takes no placeholders there.
    """
    transport: Json = {
        "protocol": "http",
        # Without its answer no name is dialled: a call then gets 502.
        "resolver": {"addresses": [f"udp/{resolver}"]},
        "dial_timeout": f"{CONNECT_TIMEOUT_S}s",
        "response_header_timeout": f"{timeout.seconds(max(1, longest_s - ANSWER_MARGIN_S))}s",
        "max_response_header_size": MAX_HEADER_BYTES,
        "compression": False,
        "keep_alive": {"enabled": True, "max_idle_conns_per_host": 256},
    }
    if kind.is_encrypted:
        transport["tls"] = {}
    set_headers = {
        "Host": [ANSWER % "X-Upstream-Host"],
        "X-Request-Id": ["{http.request.uuid}"],
        "X-Subscription-Id": ["{http.vars.subscription_id}"],
    }
    deleted = list(FORWARDED_HEADERS)
    if not kind.has_headers:
        # One handler less for most calls.
        deleted += CREDENTIAL_HEADERS
    else:
        for slot in range(1, MAX_UPSTREAM_HEADERS + 1):
            name, value = f"X-Upstream-Name-{slot}", f"X-Upstream-Value-{slot}"
            set_headers[ANSWER % name] = [ANSWER % value]
        # The names that the authorizer gave to unused slots.
        deleted.append("X-Tollgate-*")
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": ANSWER % "X-Upstream-Dial"}],
        "transport": transport,
        "headers": {
            "request": {"set": set_headers, "delete": deleted},
            "response": {
                "delete": ["Ratelimit*", "X-Ratelimit-*", "X-Quota-*", "X-Tollgate-*", "X-Authz"]
            },
        },
        "stream_timeout": f"{longest_s}s",
        "stream_close_delay": STOP_TIMEOUT,
    }

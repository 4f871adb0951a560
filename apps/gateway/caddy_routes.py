"""The routes of Caddy's configuration: what happens to a call, in order.

Kept flat and few, because Caddy builds nested handlers anew for every call. The reason of each step:
docs/architecture/gateway.md §1.
"""

from __future__ import annotations

from typing import Final

from apps.gateway.caddy_upstreams import ANSWER, Json, upstream_routes
from apps.gateway.paths import SLUG_PATTERN, SUSPECT_PATH_PATTERN, UNSAFE_PATH_PATTERN
from apps.gateway.proxy_contract import (
    API_NOT_FOUND,
    AUTHORIZER_TIMEOUT_S,
    BODY_TOO_LARGE,
    EXPOSED_HEADERS,
    FORWARDED_HEADERS,
    GATEWAY_UNAVAILABLE,
    INVALID_PATH,
    MAX_BODY_BYTES,
    METER_HEADER,
    RATE_HEADERS,
    RETRY_STATUS,
    UPSTREAM_TIMEOUT,
    UPSTREAM_UNREACHABLE,
    Problem,
)

SLUG: Final = "{http.regexp.api.1}"
# Names that only we may set: a client's copies are deleted before anything else, and with every name
# that has an underscore, because some servers read `X_Request_Id` as `X-Request-Id`.
OUR_HEADERS: Final = (
    "*_*",
    "X-Tollgate-*",
    "X-Subscription-Id",
    "X-Request-Id",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Original-Uri",
    "X-Original-Method",
)
# A length of `MAX_BODY_BYTES` that is announced: such a call is refused before it is charged.
TOO_LONG_PATTERN: Final = "^0*[1-9][0-9]{8,}$"


def call_routes(
    *,
    authorizer: str,
    secret: str,
    resolver: str,
    timeout_s: int,
    own_hosts: tuple[str, ...] = (),
) -> list[Json]:
    """Return the routes of a call.

    Args:
        own_hosts: the gateway's names; calls for other hosts go by the host, and their path is not cut.
        authorizer: address that Caddy dials.
        secret: tells the authorizer that Caddy asks.
        resolver: address of the name server that vets upstreams' names.
        timeout_s: the longest call, and with it the longest that an upstream may take to answer.
    """
    return [
        {"handle": _prepare()},
        *_early_refusals(),
        {
            "match": [
                {
                    **({"host": list(own_hosts)} if own_hosts else {}),
                    "path_regexp": {"name": "api", "pattern": SLUG_PATTERN},
                }
            ],
            "handle": [
                {"handler": "rewrite", "strip_path_prefix": f"/{SLUG}"},
                *_admit(authorizer, secret, SLUG),
            ],
        },
        *_host_routes(authorizer, secret, own_hosts),
        {
            "match": [_is_answered("X-Upstream-Base")],
            "handle": [
                {
                    "handler": "rewrite",
                    "path_regexp": [{"find": "^/?", "replace": ANSWER % "X-Upstream-Base" + "/"}],
                }
            ],
        },
        _allow_origin(),
        *upstream_routes(resolver, timeout_s),
        {"handle": [_problem(API_NOT_FOUND)]},
    ]


def error_routes() -> list[Json]:
    """Turn Caddy's own errors into problems. The message is not told: it names the upstream's address."""
    is_undecided = "{http.vars.subscription_id} == null || {http.vars.subscription_id} == ''"
    known = {
        "{http.error.status_code} == 413": BODY_TOO_LARGE,
        is_undecided: GATEWAY_UNAVAILABLE,
        "{http.error.status_code} == 504": UPSTREAM_TIMEOUT,
        "true": UPSTREAM_UNREACHABLE,
    }
    mark = {"handler": "headers", "response": _response_headers()}
    return [
        {"handle": [_log_field("gateway_error", "true"), mark]},
        # A page may read our own errors too.
        {**_allow_origin(), "match": [{"not": [{"vars": {"{http.vars.cors_origin}": [""]}}]}]},
        *(
            {
                "match": [{"expression": expression}],
                "handle": [_problem(problem)],
                "terminal": True,
            }
            for expression, problem in known.items()
        ),
    ]


def _prepare() -> list[Json]:
    """Take the client's copies of our headers away and promise the log its fields."""
    fields = {
        "subscription_id": "{http.vars.subscription_id}",
        "key_id": "{http.vars.key_id}",
        "upstream_latency_ms": "{http.reverse_proxy.upstream.latency_ms}",
        "meter": f"{{http.response.header.{METER_HEADER}}}",
    }
    return [
        {
            "handler": "headers",
            "request": {"delete": list(OUR_HEADERS)},
            "response": _response_headers(),
        },
        *(_log_field(key, value) for key, value in fields.items()),
    ]


def _response_headers() -> Json:
    return {
        "deferred": True,
        "set": {"X-Request-Id": ["{http.request.uuid}"]},
        "delete": ["Server", "Via"],
    }


def _log_field(key: str, value: str) -> Json:
    return {"handler": "log_append", "key": key, "value": value}


def _early_refusals() -> list[Json]:
    is_unsafe = {"match": [_target_has(UNSAFE_PATH_PATTERN)], "handle": [_problem(INVALID_PATH)]}
    return [
        {
            "match": [_target_has(SUSPECT_PATH_PATTERN)],
            "handle": [{"handler": "subroute", "routes": [is_unsafe]}],
        },
        {
            "match": [{"header_regexp": {"Content-Length": {"pattern": TOO_LONG_PATTERN}}}],
            "handle": [_problem(BODY_TOO_LARGE)],
            "terminal": True,
        },
    ]


def _target_has(pattern: str) -> Json:
    return {"vars_regexp": {"{http.request.orig_uri}": {"pattern": pattern}}}


def _host_routes(authorizer: str, secret: str, own_hosts: tuple[str, ...]) -> list[Json]:
    """Let calls for a provider's domain go by their host."""
    if not own_hosts:
        return []
    return [
        {
            "match": [{"not": [{"host": list(own_hosts)}]}],
            "handle": _admit(authorizer, secret, "@{http.request.host}"),
        }
    ]


def _admit(authorizer: str, secret: str, slug: str) -> list[Json]:
    return [
        _authorize(authorizer, secret, slug),
        {"handler": "request_body", "max_size": MAX_BODY_BYTES},
    ]


def _authorize(authorizer: str, secret: str, slug: str) -> Json:
    """Ask the authorizer. Only `X-Authz: allow` lets a call on; everything else goes to the client."""
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": authorizer}],
        "rewrite": {"method": "GET", "uri": "/authz/caddy"},
        "transport": {
            "protocol": "http",
            "dial_timeout": "1s",
            "response_header_timeout": f"{AUTHORIZER_TIMEOUT_S}s",
            "compression": False,
            "keep_alive": {"enabled": True, "max_idle_conns_per_host": 512},
        },
        "headers": {
            "request": {
                "set": {
                    "X-Tollgate-Secret": [secret],
                    "X-Tollgate-Request-Id": ["{http.request.uuid}"],
                    "X-Tollgate-Slug": [slug],
                    "X-Tollgate-Method": ["{http.request.method}"],
                    "X-Tollgate-Path": ["{http.request.uri.path}"],
                    # As the upstream gets it: decoding hides which slashes were encoded.
                    "X-Tollgate-Target": ["{http.request.uri}"],
                    "X-Tollgate-Client-Ip": ["{http.vars.client_ip}"],
                },
                # What the authorizer does not get, it cannot leak; a sub-request upgrades nothing.
                "delete": ["Cookie", "Upgrade", "Connection", "Expect", *FORWARDED_HEADERS],
            },
            "response": {"delete": ["Server"]},
        },
        "handle_response": [_on_allow()],
    }


def _on_allow() -> Json:
    """Keep what is needed after the upstream's answer, which takes the place of the authorizer's."""
    variables = {
        "subscription_id": "X-Subscription-Id",
        "key_id": "X-Key-Id",
        "cors_origin": "Access-Control-Allow-Origin",
    }
    return {
        "match": {"headers": {"X-Authz": ["allow"]}},
        "routes": [
            {
                "handle": [
                    {
                        "handler": "copy_response_headers",
                        "include": list(RATE_HEADERS),
                    },
                    {
                        "handler": "vars",
                        **{name: ANSWER % header for name, header in variables.items()},
                    },
                ]
            }
        ],
    }


def _is_answered(header: str) -> Json:
    """Match when the authorizer's answer has this header."""
    return {"not": [{"vars": {ANSWER % header: [""]}}]}


def _allow_origin() -> Json:
    """Say by the API's policy who may read the response, in place of what the upstream says."""
    return {
        "match": [_is_answered("Access-Control-Allow-Origin")],
        "handle": [
            {
                "handler": "headers",
                "response": {
                    "deferred": True,
                    "set": {"Access-Control-Allow-Origin": ["{http.vars.cors_origin}"]},
                    # Added: what the upstream lets pages read stays readable.
                    "add": {"Vary": ["Origin"], "Access-Control-Expose-Headers": [EXPOSED_HEADERS]},
                },
            }
        ],
    }


def _problem(problem: Problem) -> Json:
    headers = {
        "Content-Type": ["application/problem+json"],
        "Cache-Control": ["no-store"],
        "X-Tollgate-Error": ["true"],
    }
    if problem.status == RETRY_STATUS:
        headers["Retry-After"] = ["1"]
    return {
        "handler": "static_response",
        "status_code": str(problem.status),
        "headers": headers,
        "body": problem.body,
    }

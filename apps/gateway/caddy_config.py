"""Renders Caddy's whole configuration. It knows no API, no key and no plan, so it never has to change.

Each decision here has its reason in docs/architecture/gateway.md §1, §6 and docs/adr/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apps.gateway.entries import MAX_UPSTREAM_HEADERS, UpstreamKind

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

SLUG_PATTERN: Final = "^/([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:/|$)"
# A path is refused when its decoded, cleaned form (which the slug is captured from) and its raw form
# (which is forwarded) could name different things: dot segments in any spelling, and an encoded slash
# within the first segment.
UNSAFE_PATH_PATTERN: Final = (
    r"(?i)^(?:[a-z]+://[^/?]*)?"
    r"(?:[^?]*(?:/|%2f)(?:\.|%2e){1,2}(?:/|%2f|\?|$)|/*[^/?]*%2f|[^?]*(?:%[01][0-9a-f]|%7f|\\|%5c))"
)
RATE_HEADERS: Final = (
    "Ratelimit",
    "Ratelimit-Policy",
    "X-Ratelimit-Limit",
    "X-Ratelimit-Remaining",
    "X-Ratelimit-Reset",
    "X-Quota-Limit",
    "X-Quota-Remaining",
    "X-Quota-Reset",
)
CORS_HEADERS: Final = ("Access-Control-Allow-Origin", "Vary")
CREDENTIAL_HEADERS: Final = ("X-Subscription-Key", "X-Api-Key", "Authorization")
SECRET_HEADERS: Final = (*CREDENTIAL_HEADERS, "Proxy-Authorization", "Cookie")
# Names that only we may set: a client's copies are deleted before anything else, and with every name
# that has an underscore, because some servers read `X_Request_Id` as `X-Request-Id`.
OUR_HEADERS: Final = ("X-Tollgate-*", "X-Subscription-Id", "X-Request-Id", "X-Forwarded-*", "*_*")
CONNECT_TIMEOUT: Final = "5s"
AUTHORIZER_TIMEOUT: Final = "3s"
STOP_TIMEOUT: Final = "10s"
# Between the last moment of a call and the moment at which the shipper calls it unconfirmed.
LOG_MARGIN_S: Final = 10
MAX_HEADER_BYTES: Final = 32 * 1024
MAX_BODY_BYTES: Final = 100_000_000
# The same bound for a length that is announced: such a call is refused before it is charged.
TOO_LONG_PATTERN: Final = "^0*[1-9][0-9]{8,}$"
BODY_TOO_LARGE: Final = (413, "body_too_large", "The body is too large.")
# Caddy must not delete what the shipper has not read. A hundred years: more would overflow its clock
# (nanoseconds in 64 bits), and it would then delete every rolled file at once.
KEEP_FILES: Final = 1_000_000
KEEP_DAYS: Final = 36_500


@dataclass(frozen=True)
class GatewayConfig:
    """What differs between installations."""

    listen: tuple[str, ...]
    admin_socket: Path
    authorizer: str
    authorizer_secret: str
    access_log: Path
    longest_call_s: int = 120
    # A new log file begins at this size.
    log_file_mb: int = 50
    # Networks of proxies in front of Caddy whose X-Forwarded-For is believed.
    trusted_proxies: tuple[str, ...] = ()

    @property
    def write_timeout_s(self) -> int:
        """Seconds after which Caddy ends a call, so that none outlives the shipper's patience."""
        return max(1, self.longest_call_s - LOG_MARGIN_S)


def render_config(config: GatewayConfig) -> Json:
    """Return the configuration as Caddy's JSON. It holds the authorizer's secret: keep it private."""
    return {
        "admin": {
            "listen": f"unix/{config.admin_socket}|0600",
            "config": {"persist": False},
        },
        "logging": _logging(config),
        "apps": {
            "http": {"grace_period": STOP_TIMEOUT, "servers": {"gateway": _server(config)}},
        },
    }


def render_text(config: GatewayConfig) -> str:
    """Return the configuration as text for a file."""
    return json.dumps(render_config(config), indent=2) + "\n"


def _server(config: GatewayConfig) -> Json:
    server: Json = {
        "listen": list(config.listen),
        "automatic_https": {"disable": True},
        "read_header_timeout": "10s",
        "read_timeout": f"{config.write_timeout_s}s",
        "write_timeout": f"{config.write_timeout_s}s",
        "idle_timeout": "120s",
        "max_header_bytes": MAX_HEADER_BYTES,
        "logs": {"default_logger_name": "calls"},
        "routes": [{"handle": [*_prepare(), _refuse_early(), _api_route(config), _not_found()]}],
        "errors": {"routes": _error_routes()},
    }
    if config.trusted_proxies:
        server["trusted_proxies"] = {"source": "static", "ranges": list(config.trusted_proxies)}
        server["trusted_proxies_strict"] = 1
    return server


def _prepare() -> list[Json]:
    """Take the client's copies of our headers away and promise the log its fields."""
    fields = {
        "request_id": "{http.request.uuid}",
        "subscription_id": "{http.vars.subscription_id}",
        "key_id": "{http.vars.key_id}",
        "api_id": "{http.vars.api_id}",
        "api_path": "{http.vars.api_path}",
        "upstream_latency_ms": "{http.reverse_proxy.upstream.latency_ms}",
    }
    return [
        {
            "handler": "headers",
            "request": {"delete": list(OUR_HEADERS)},
        },
        _response_headers(),
        *(_log_field(key, value) for key, value in fields.items()),
    ]


def _log_field(key: str, value: str) -> Json:
    return {"handler": "log_append", "key": key, "value": value}


def _response_headers() -> Json:
    return {
        "handler": "headers",
        "response": {
            "deferred": True,
            "set": {"X-Request-Id": ["{http.request.uuid}"]},
            "delete": ["Server", "Via"],
        },
    }


def _refuse_early() -> Json:
    return _subroute(
        {
            "match": [
                {"vars_regexp": {"{http.request.orig_uri}": {"pattern": UNSAFE_PATH_PATTERN}}}
            ],
            "handle": [_problem(400, "invalid_path", "This path has parts that could be misread.")],
            "terminal": True,
        },
        {
            "match": [{"header_regexp": {"Content-Length": {"pattern": TOO_LONG_PATTERN}}}],
            "handle": [_problem(*BODY_TOO_LARGE)],
            "terminal": True,
        },
    )


def _api_route(config: GatewayConfig) -> Json:
    return _subroute(
        {
            "match": [{"path_regexp": {"name": "api", "pattern": SLUG_PATTERN}}],
            "handle": [
                {"handler": "vars", "slug": "{http.regexp.api.1}"},
                {"handler": "rewrite", "strip_path_prefix": "/{http.vars.slug}"},
                {"handler": "vars", "api_path": "{http.request.uri.path}"},
                {"handler": "request_body", "max_size": MAX_BODY_BYTES},
                _authorize(config),
                {"handler": "headers", "request": {"delete": list(CREDENTIAL_HEADERS)}},
                {
                    "handler": "rewrite",
                    "path_regexp": [{"find": "^/?", "replace": "{http.vars.base}/"}],
                },
                _upstreams(config),
            ],
            "terminal": True,
        }
    )


def _authorize(config: GatewayConfig) -> Json:
    """Ask the authorizer. Only `X-Authz: allow` lets a call on; everything else goes to the client."""
    response = "{http.reverse_proxy.header.%s}"
    variables = {
        "subscription_id": "X-Subscription-Id",
        "key_id": "X-Key-Id",
        "api_id": "X-Api-Id",
        "kind": "X-Upstream-Kind",
        "dial": "X-Upstream-Dial",
        "host": "X-Upstream-Host",
        "base": "X-Upstream-Base",
    }
    for slot in range(1, MAX_UPSTREAM_HEADERS + 1):
        variables[f"name_{slot}"] = f"X-Upstream-Name-{slot}"
        variables[f"value_{slot}"] = f"X-Upstream-Value-{slot}"
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": config.authorizer}],
        "rewrite": {"method": "GET", "uri": "/authz/caddy"},
        "transport": {
            "protocol": "http",
            "dial_timeout": "1s",
            "response_header_timeout": AUTHORIZER_TIMEOUT,
            "compression": False,
            "keep_alive": {"enabled": True, "max_idle_conns_per_host": 512},
        },
        "headers": {
            "request": {
                "set": {
                    "X-Tollgate-Secret": [config.authorizer_secret],
                    "X-Tollgate-Request-Id": ["{http.request.uuid}"],
                    "X-Tollgate-Slug": ["{http.vars.slug}"],
                    "X-Tollgate-Method": ["{http.request.method}"],
                    "X-Tollgate-Path": ["{http.vars.api_path}"],
                    "X-Tollgate-Client-Ip": ["{http.vars.client_ip}"],
                },
                # The authorizer needs neither; what it does not get, it cannot leak.
                "delete": ["Cookie", "Upgrade", "Connection", "Expect"],
            },
            "response": {"delete": ["Server"]},
        },
        "handle_response": [
            {
                "match": {"headers": {"X-Authz": ["allow"]}},
                "routes": [
                    {
                        "handle": [
                            {
                                "handler": "copy_response_headers",
                                "include": [*RATE_HEADERS, *CORS_HEADERS],
                            },
                            {
                                "handler": "vars",
                                **{name: response % header for name, header in variables.items()},
                            },
                        ]
                    }
                ],
            }
        ],
    }


def _upstreams(config: GatewayConfig) -> Json:
    """Dial what the authorizer answered; http and https, with and without the provider's own headers."""
    routes = [
        {
            "match": [{"vars": {"{http.vars.kind}": [kind]}}],
            "handle": [_upstream(config, kind)],
            "terminal": True,
        }
        for kind in UpstreamKind
    ]
    # Reached only if the authorizer's answer and this configuration do not fit.
    return _subroute(*routes, {"handle": [{"handler": "error", "status_code": "502"}]})


def _upstream(config: GatewayConfig, kind: UpstreamKind) -> Json:
    transport: Json = {
        "protocol": "http",
        "dial_timeout": CONNECT_TIMEOUT,
        "response_header_timeout": f"{config.write_timeout_s}s",
        "max_response_header_size": MAX_HEADER_BYTES,
        "compression": False,
        "keep_alive": {"enabled": True, "max_idle_conns_per_host": 256},
    }
    if kind.is_encrypted:
        transport["tls"] = {}
    set_headers = {
        "Host": ["{http.vars.host}"],
        "X-Request-Id": ["{http.request.uuid}"],
        "X-Subscription-Id": ["{http.vars.subscription_id}"],
    }
    if kind.has_headers:
        for slot in range(1, MAX_UPSTREAM_HEADERS + 1):
            set_headers[f"{{http.vars.name_{slot}}}"] = [f"{{http.vars.value_{slot}}}"]
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": "{http.vars.dial}"}],
        "transport": transport,
        "headers": {
            "request": {
                "set": set_headers,
                "delete": ["X-Tollgate-*", "X-Forwarded-*"],
            },
            "response": {
                "delete": ["Ratelimit*", "X-Ratelimit-*", "X-Quota-*", "X-Tollgate-*", "X-Authz"]
            },
        },
        "stream_timeout": f"{config.write_timeout_s}s",
        "stream_close_delay": STOP_TIMEOUT,
    }


def _not_found() -> Json:
    return _problem(404, "api_not_found", "No API has this address.")


def _error_routes() -> list[Json]:
    """Turn Caddy's own errors into problems. The message is not told: it names the upstream's address."""
    known = {
        "{http.error.status_code} == 413": BODY_TOO_LARGE,
        "{http.vars.subscription_id} == null || {http.vars.subscription_id} == ''": (
            503,
            "gateway_unavailable",
            "The gateway cannot decide calls at present.",
        ),
        "{http.error.status_code} == 504": (
            504,
            "upstream_timeout",
            "The API did not answer in time.",
        ),
        "true": (502, "upstream_unreachable", "The API cannot be reached."),
    }
    return [
        {"handle": [_log_field("gateway_error", "true"), _response_headers()]},
        *(
            {
                "match": [{"expression": expression}],
                "handle": [_problem(*problem)],
                "terminal": True,
            }
            for expression, problem in known.items()
        ),
    ]


def _problem(status: int, code: str, title: str) -> Json:
    body = {"type": f"/problems/{code}", "title": title, "status": status, "code": code}
    headers = {
        "Content-Type": ["application/problem+json"],
        "Cache-Control": ["no-store"],
        "X-Tollgate-Error": ["true"],
    }
    if status == 503:
        headers["Retry-After"] = ["1"]
    return {
        "handler": "static_response",
        "status_code": str(status),
        "headers": headers,
        "body": json.dumps(body),
    }


def _subroute(*routes: Json) -> Json:
    return {"handler": "subroute", "routes": list(routes)}


def _logging(config: GatewayConfig) -> Json:
    deleted = {f"request>headers>{name}": {"filter": "delete"} for name in SECRET_HEADERS}
    deleted |= {
        f"resp_headers>{name}": {"filter": "delete"} for name in ("Set-Cookie", "Www-Authenticate")
    }
    # Keys belong into headers; where somebody puts one into the query, the log must not keep it.
    query = [
        {"type": "replace", "parameter": name, "value": "REDACTED"}
        for name in ("api_key", "apikey", "key", "token", "access_token", "subscription-key")
    ]
    return {
        "logs": {
            "default": {"exclude": ["http.log.access.calls"], "level": "INFO"},
            "calls": {
                "include": ["http.log.access.calls"],
                "writer": {
                    "output": "file",
                    "filename": str(config.access_log),
                    "mode": "0640",
                    "roll_size_mb": config.log_file_mb,
                    "roll_gzip": False,
                    "roll_keep": KEEP_FILES,
                    "roll_keep_days": KEEP_DAYS,
                },
                "encoder": {
                    "format": "filter",
                    "wrap": {"format": "json"},
                    "fields": {
                        **deleted,
                        "request>uri": {"filter": "query", "actions": query},
                    },
                },
            },
        }
    }

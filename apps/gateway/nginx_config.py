"""Renders nginx's configuration: the profile for throughput. It knows no API, no key and no plan.

It does what Caddy's does (`caddy_routes`), by the same authorizer, with the same answers and the same log lines.
`nginx_template` holds the text; this module fills in what differs between installations.

Source: docs/architecture/gateway.md §1.1, §11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apps.gateway import proxy_contract as contract
from apps.gateway.entries import MAX_UPSTREAM_HEADERS, UpstreamTimeout
from apps.gateway.nginx_template import MAIN, UPSTREAM
from apps.gateway.paths import UNSAFE_PATH_PATTERN
from apps.gateway.proxy_contract import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.gateway.caddy_config import GatewayConfig

# Where Debian and most others keep the certificates of public authorities.
CA_FILE: Final = "/etc/ssl/certs/ca-certificates.crt"
# What the authorizer may answer; nginx needs each as a number.
AUTHORIZER_STATUSES: Final = (204, 400, 401, 403, 404, 405, 413, 429, 500, 502, 503, 504)
# nginx cannot delete headers by a pattern: each of ours by name, as far as anybody believes it.
OUR_HEADERS: Final = (
    *contract.CREDENTIAL_HEADERS,
    *contract.FORWARDED_HEADERS,
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Original-Uri",
    "X-Original-Method",
    "X-Tollgate-Secret",
    "X-Tollgate-Request-Id",
    "X-Tollgate-Slug",
    "X-Tollgate-Method",
    "X-Tollgate-Path",
    "X-Tollgate-Client-Ip",
    "X-Tollgate-Host",
    "X-Tollgate-Error",
)
# Of the authorizer's refusal, what the client gets beside the rate headers; the challenge of a 401 nginx passes on itself.
REFUSAL_HEADERS: Final = (
    "Retry-After",
    "Allow",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
)
# The authorizer's answer about the call, as variables.
ANSWERED: Final = {
    "kind": "x_upstream_kind",
    "dial": "x_upstream_dial",
    "host": "x_upstream_host",
    "base": "x_upstream_base",
    "subscription": "x_subscription_id",
    "key": "x_key_id",
    "cors_origin": "access_control_allow_origin",
    "refused_status": "x_auth_status",
    "refused_body": "x_auth_body",
}
PROBLEM_MARKS: Final = (
    "default_type application/problem+json;",
    "add_header X-Request-Id $request_id always;",
    "add_header X-Tollgate-Error true always;",
    "add_header Cache-Control no-store always;",
)
# A page of an allowed origin may read why.
READABLE: Final = (
    "add_header Access-Control-Allow-Origin $tg_cors_origin always;",
    "add_header Access-Control-Expose-Headers $tg_expose always;",
    "add_header Vary $tg_vary always;",
)
INVALID_REQUEST: Final = Problem(400, "invalid_request", "This is not a request that can be read.")
HEADER_TOO_LARGE: Final = Problem(431, "header_too_large", "The headers are too large.")


def render_nginx(config: GatewayConfig, *, pools: tuple[str, ...] = ()) -> str:
    """Return the whole configuration as text. It holds the authorizer's secret: keep it private.

    Args:
        config: the same installation as Caddy's.
        pools: `host:port` of upstreams to which connections are kept open. nginx asks the machine's name servers
            for them, once, and not the vetting resolver: name only servers that you trust.
    """
    values = {
        # First: what it holds is filled in by the others.
        "upstreams": "".join(_upstream(timeout, config) for timeout in UpstreamTimeout),
        "listen": _lines(f"listen {_listen(address)};" for address in config.listen),
        "authorizer": _server(config.authorizer),
        "secret": _quoted(config.authorizer_secret).replace("$", "${tg_dollar}"),
        "access_log": _quoted(str(config.access_log)),
        "pid_file": _quoted(str(config.access_log.parent / "nginx.pid")),
        "resolver": config.resolver,
        "ca_file": CA_FILE,
        "real_ip": _lines(_real_ip(config.trusted_proxies), 1),
        "unsafe_path": _quoted(_unsafe_request_line()),
        "problem": _lines(PROBLEM_MARKS, 3),
        "readable": _lines(READABLE, 3),
        "max_body": str(contract.MAX_BODY_BYTES - 1),
        "header_buffer": str(contract.MAX_HEADER_BYTES),
        "connect_timeout": f"{contract.CONNECT_TIMEOUT_S}s",
        "authorizer_timeout": f"{contract.AUTHORIZER_TIMEOUT_S}s",
        "stop_timeout": f"{contract.STOP_TIMEOUT_S}s",
        "longest": f"{config.timeout_s}s",
        "exposed": _quoted(contract.EXPOSED_HEADERS),
        "pools": _lines(_pools(pools), 1),
        "pool_names": _lines(f'"{pool}" pool_{number};' for number, pool in enumerate(pools)),
        "slots": _lines(_slots(), 1),
        "answered": _lines(_answered(), 3),
        "return_statuses": _lines(_returns(), 3),
        "rate_headers": _lines(_added(contract.RATE_HEADERS), 3),
        "refusal_headers": _lines(_added(REFUSAL_HEADERS), 3),
        **_problems(),
    }
    return _filled(MAIN, values)


def _unsafe_request_line() -> str:
    """Look for an unsafe target where a request line has it: after the method, before the version."""
    pattern = UNSAFE_PATH_PATTERN.removeprefix("(?i)^").replace(r"\?|$)", r"\?| |$)")
    return rf"~*^\S+ {pattern}"


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"<<{name}>>", value)
    return text


def _upstream(timeout: UpstreamTimeout, config: GatewayConfig) -> str:
    seconds = timeout.seconds(max(1, config.timeout_s - contract.ANSWER_MARGIN_S))
    hidden = [*contract.RATE_HEADERS, "X-Tollgate-Error", "X-Authz", "Access-Control-Allow-Origin"]
    last_slot = "".join(f"$tg_slot_{slot}" for slot in range(1, MAX_UPSTREAM_HEADERS + 1))
    values = {
        "name": str(timeout),
        "seconds": f"{seconds}s",
        "dropped": _lines((f'proxy_set_header {name} "";' for name in OUR_HEADERS), 3),
        "hidden": _lines((f"proxy_hide_header {name};" for name in hidden), 3),
        "rate_headers": _lines(_added(contract.RATE_HEADERS), 3),
        "last_slot": last_slot,
    }
    return _filled(UPSTREAM, values)


def _slots() -> list[str]:
    """Make each of the provider's headers a line of its own: nginx takes no variable as the name of a header."""
    lines = []
    for slot in range(1, MAX_UPSTREAM_HEADERS + 1):
        name, value = f"$tg_name_{slot}", f"$tg_value_{slot}"
        lines += [
            f"map {name} $tg_slot_{slot} {{",
            '    "" "";',
            '    "~^X-Tollgate-" "";',
            f'    default "\\r\\n{name}: {value}";',
            "}",
        ]
    return lines


def _answered() -> list[str]:
    lines = [f"$tg_{name} $upstream_http_{header}" for name, header in ANSWERED.items()]
    for slot in range(1, MAX_UPSTREAM_HEADERS + 1):
        lines.append(f"$tg_name_{slot} $upstream_http_x_upstream_name_{slot}")
        lines.append(f"$tg_value_{slot} $upstream_http_x_upstream_value_{slot}")
    copied = (*contract.RATE_HEADERS, *REFUSAL_HEADERS)
    lines += [f"{_variable(header)} $upstream_http_{_snake(header)}" for header in copied]
    return [f"auth_request_set {line};" for line in lines]


def _added(headers: tuple[str, ...]) -> list[str]:
    """Add what has a value; nginx leaves out the others."""
    return [f"add_header {header} {_variable(header)} always;" for header in headers]


def _variable(header: str) -> str:
    return f"$tg_answer_{_snake(header)}"


def _snake(header: str) -> str:
    return header.lower().replace("-", "_")


def _returns() -> list[str]:
    return [
        f'if ($tg_refused_status = "{status}") {{ return {status} $tg_refused_body; }}'
        for status in AUTHORIZER_STATUSES
    ]


def _problems() -> dict[str, str]:
    known = (
        INVALID_REQUEST,
        HEADER_TOO_LARGE,
        contract.INVALID_PATH,
        contract.API_NOT_FOUND,
        contract.BODY_TOO_LARGE,
        contract.UPSTREAM_UNREACHABLE,
        contract.UPSTREAM_TIMEOUT,
        contract.GATEWAY_UNAVAILABLE,
    )
    return {
        f"return_{problem.code}": f"return {problem.status} '{problem.body}';" for problem in known
    }


def _pools(pools: tuple[str, ...]) -> list[str]:
    return [
        line
        for number, pool in enumerate(pools)
        for line in (f"upstream pool_{number} {{", f"    server {pool};", "    keepalive 256;", "}")
    ]


def _real_ip(networks: tuple[str, ...]) -> list[str]:
    if not networks:
        return []
    believed = [f"set_real_ip_from {network};" for network in networks]
    return [*believed, "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"]


def _listen(address: str) -> str:
    """Write an address of ours, which may have no host, as nginx does."""
    return address.removeprefix(":")


def _server(dial: str) -> str:
    """Write an authorizer's address: `unix/<path>` is Caddy's way."""
    return f"unix:{dial.removeprefix('unix/')}" if dial.startswith("unix/") else dial


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _lines(lines: Iterable[str], depth: int = 2) -> str:
    return ("\n" + "    " * depth).join(lines)

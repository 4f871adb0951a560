"""Renders Caddy's whole configuration. It knows no API, no key and no plan, so it never has to change.

Source: docs/architecture/gateway.md §1, §6; docs/adr/ on the static proxy configuration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from apps.gateway.caddy_routes import call_routes, error_routes
from apps.gateway.caddy_tls import tls_apps
from apps.gateway.caddy_upstreams import STOP_TIMEOUT, Json
from apps.gateway.proxy_contract import MAX_HEADER_BYTES
from apps.gateway.resolver.config import DEFAULT_BIND

# Between the last moment of a call and the moment at which the shipper calls it unconfirmed.
LOG_MARGIN_S: Final = 10
# Keys belong into headers; where somebody puts one into the query, the log must not keep it.
SECRET_PARAMETERS: Final = (
    "api_key",
    "apikey",
    "key",
    "token",
    "access_token",
    "subscription-key",
)
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
    # The name server that upstreams' names are asked of, and no other: it vets their addresses.
    resolver: str = DEFAULT_BIND
    longest_call_s: int = 120
    # A new log file begins at this size.
    log_file_mb: int = 50
    # The gateway's own names. Calls for any other host go by it, not by the path; empty: all go by the path.
    own_hosts: tuple[str, ...] = ()
    # Certificates: none, got on demand for known domains, or of a local authority (to try it out).
    tls: Literal["off", "on-demand", "internal"] = "off"
    # Where Caddy asks whether a domain is known; a loopback address.
    ask: str = ""
    # Networks of proxies in front of Caddy whose X-Forwarded-For is believed.
    trusted_proxies: tuple[str, ...] = ()

    @property
    def timeout_s(self) -> int:
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
            **tls_apps(tls=config.tls, ask=config.ask, own_hosts=config.own_hosts),
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
        "read_timeout": f"{config.timeout_s}s",
        "write_timeout": f"{config.timeout_s}s",
        "idle_timeout": "120s",
        "max_header_bytes": MAX_HEADER_BYTES,
        "logs": {"default_logger_name": "calls"},
        "routes": call_routes(
            authorizer=config.authorizer,
            secret=config.authorizer_secret,
            resolver=config.resolver,
            timeout_s=config.timeout_s,
            own_hosts=config.own_hosts,
        ),
        "errors": {"routes": error_routes()},
    }
    if config.tls != "off":
        server["tls_connection_policies"] = [{}]
    if config.trusted_proxies:
        server["trusted_proxies"] = {"source": "static", "ranges": list(config.trusted_proxies)}
        server["trusted_proxies_strict"] = 1
    return server


def _logging(config: GatewayConfig) -> Json:
    query = [
        {"type": "replace", "parameter": name, "value": "REDACTED"} for name in SECRET_PARAMETERS
    ]
    return {
        "logs": {
            "default": {
                # What the proxy handler would say of a call, the access log says. Caddy renders the request
                # for each log that a part of it could write to, whether or not it writes.
                "exclude": ["http.log.access", "http.handlers.reverse_proxy"],
                "level": "INFO",
                "encoder": {
                    "format": "filter",
                    "wrap": {"format": "json"},
                    "fields": {"request": {"filter": "delete"}},
                },
            },
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
                    # No header is logged at all: keys, cookies and tokens travel in headers.
                    "fields": {
                        "request>headers": {"filter": "delete"},
                        "resp_headers": {"filter": "delete"},
                        "request>uri": {"filter": "query", "actions": query},
                    },
                },
            },
        }
    }

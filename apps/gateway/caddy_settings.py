"""The gateway's configuration as the environment describes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from apps.gateway.authorizer.config import Bind
from apps.gateway.caddy_config import GatewayConfig
from apps.gateway.environment import SettingError, read_number, read_text
from apps.gateway.resolver.config import read_bind

DEFAULT_PORT: Final = 8080
_POOL: Final = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}")
_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1"})


def gateway_config_from_environment() -> GatewayConfig:
    """Read the settings of docs/architecture/gateway.md §10.

    Raises: SettingError.
    """
    listen = read_text("GATEWAY_BIND", _listen_for(read_text("GATEWAY_URL", "")))
    trusted = read_text("GATEWAY_TRUSTED_PROXIES", "")
    tls, ask_text = _tls(read_text("GATEWAY_TLS", "off")), read_text("GATEWAY_ASK_BIND", "")
    ask = Bind.parse(ask_text) if ask_text else None
    if tls != "off" and (ask is None or ask.socket_path is not None):
        raise SettingError("GATEWAY_TLS needs GATEWAY_ASK_BIND, a loopback ip:port.")
    return GatewayConfig(
        listen=tuple(part.strip() for part in listen.split(",")),
        admin_socket=Path(read_text("GATEWAY_ADMIN_SOCKET")),
        authorizer=Bind.parse(read_text("AUTHORIZER_BIND", "127.0.0.1:8090")).text,
        authorizer_secret=read_text("AUTHORIZER_SECRET"),
        access_log=Path(read_text("GATEWAY_ACCESS_LOG")),
        resolver=read_bind().text,
        longest_call_s=int(read_number("GATEWAY_LONGEST_CALL_S", 120)),
        own_hosts=_own_hosts(read_text("GATEWAY_URL", ""), read_text("GATEWAY_HOSTS", "")),
        tls=tls,
        ask=ask.text if ask else "",
        trusted_proxies=tuple(part.strip() for part in trusted.split(",") if part.strip()),
    )


def _tls(text: str) -> Literal["off", "on-demand", "internal"]:
    for known in ("off", "on-demand", "internal"):
        if text == known:
            return known
    raise SettingError(f"GATEWAY_TLS must be off, on-demand or internal, not {text!r}.")


def _own_hosts(gateway_url: str, further: str) -> tuple[str, ...]:
    """Return the names by which the gateway itself is called; without a URL, calls go by their path only."""
    host = urlsplit(gateway_url).hostname
    names = [name.strip().lower() for name in further.split(",") if name.strip()]
    return tuple(dict.fromkeys((host, *names, *_LOCAL_HOSTS))) if host else ()


def nginx_pools() -> tuple[str, ...]:
    """Read the upstreams to which nginx keeps connections: `host:port`, comma-separated.

    Raises: SettingError.
    """
    pools = tuple(
        part.strip() for part in read_text("GATEWAY_NGINX_POOLS", "").split(",") if part.strip()
    )
    for pool in pools:
        if not _POOL.fullmatch(pool):
            raise SettingError(f"GATEWAY_NGINX_POOLS: {pool!r} is not host:port.")
    return pools


def _listen_for(gateway_url: str) -> str:
    """Listen where the public address points when that is this machine, else on every address."""
    url = urlsplit(gateway_url)
    if url.hostname in _LOCAL_NAMES:
        return f"127.0.0.1:{url.port or DEFAULT_PORT}"
    return f":{DEFAULT_PORT}"

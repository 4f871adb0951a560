"""Settings of the authorizer: the environment only."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from apps.gateway.environment import (
    SettingError,
    read_number,
    read_numbered_secrets,
    read_secret_numbers,
    read_text,
)
from apps.gateway.resolver.config import Server, Trust, read_bind

MIN_SECRET_CHARS: Final = 16
_UNIX_PREFIX: Final = "unix:"


@dataclass(frozen=True)
class Bind:
    """Where the authorizer listens: a unix socket, or a loopback address."""

    host: str
    port: int
    socket_path: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Bind:
        """Read `unix:/path` or `127.0.0.1:8090`.

        Raises: SettingError for anything that others on the network could reach.
        """
        if text.startswith(_UNIX_PREFIX):
            return cls("", 0, Path(text.removeprefix(_UNIX_PREFIX)))
        host, _, port = text.rpartition(":")
        try:
            loopback = ip_address(host.strip("[]")).is_loopback
            number = int(port)
        except ValueError:
            raise SettingError(
                f"AUTHORIZER_BIND must be unix:/path or ip:port, not {text!r}."
            ) from None
        if not loopback:
            raise SettingError(f"AUTHORIZER_BIND must be a loopback address, not {host}.")
        return cls(host.strip("[]"), number)

    @property
    def text(self) -> str:
        """The address as Caddy dials it."""
        if self.socket_path is not None:
            return f"unix/{self.socket_path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class AuthorizerSettings:
    """What one authorizer process needs to know."""

    bind: Bind
    secret: str
    peppers: tuple[bytes, ...]
    # Of the peppers, in the same order.
    pepper_numbers: tuple[int, ...]
    store_url: str
    web_url: str | None
    node: str
    journal_dir: Path
    min_free_mb: int
    resolver: Server
    trust: Trust
    # A second address for Caddy's question about domains, which it asks over TCP only.
    ask_bind: Bind | None = None

    @classmethod
    def from_environment(cls) -> AuthorizerSettings:
        """Read the environment.

        Raises: SettingError.
        """
        secret = read_text("AUTHORIZER_SECRET")
        if len(secret) < MIN_SECRET_CHARS:
            raise SettingError(
                f"AUTHORIZER_SECRET must have at least {MIN_SECRET_CHARS} characters."
            )
        return cls(
            bind=Bind.parse(read_text("AUTHORIZER_BIND", "127.0.0.1:8090")),
            secret=secret,
            peppers=tuple(pepper.encode() for pepper in read_numbered_secrets("KEY_PEPPERS")),
            pepper_numbers=read_secret_numbers("KEY_PEPPERS"),
            store_url=read_text("REDIS_URL"),
            web_url=read_text("WEB_INTERNAL_URL", "").rstrip("/") or None,
            node=read_text("NODE_NAME", f"{socket.gethostname()}-{os.getpid()}"),
            journal_dir=Path(read_text("GATEWAY_JOURNAL_DIR")),
            min_free_mb=int(read_number("GATEWAY_MIN_FREE_MB", 256)),
            resolver=read_bind(),
            trust=Trust.from_environment(),
            ask_bind=Bind.parse(ask) if (ask := read_text("GATEWAY_ASK_BIND", "")) else None,
        )

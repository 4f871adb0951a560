"""Settings of the resolver, and those that it shares with the authorizer: the environment only."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

from apps.core.addresses import IPNetwork, is_public_address, parse_networks
from apps.gateway.environment import SettingError, read_text

DEFAULT_BIND: Final = "127.0.0.1:8053"
DNS_PORT: Final = 53
RESOLV_CONF: Final = Path("/etc/resolv.conf")


class Server(NamedTuple):
    """Address and port of a name server."""

    host: str
    port: int

    @property
    def text(self) -> str:
        """The server as Caddy dials it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Trust:
    """What differs from "only public addresses"."""

    # Names that the operator listed, in lower case: they may have any address.
    names: frozenset[str] = frozenset()
    # `host:port` as the operator listed them.
    targets: frozenset[str] = frozenset()
    # Development and tests only: networks that count as public.
    networks: tuple[IPNetwork, ...] = ()
    # The operator's own public networks.
    refused: tuple[IPNetwork, ...] = ()

    @classmethod
    def from_environment(cls) -> Trust:
        """Read the environment.

        Raises: SettingError.
        """
        networks = _networks(
            "GATEWAY_RESOLVER_TRUSTED_NETWORKS", read_text("GATEWAY_RESOLVER_TRUSTED_NETWORKS", "")
        )
        if networks and read_text("ENVIRONMENT", "development") == "production":
            raise SettingError("GATEWAY_RESOLVER_TRUSTED_NETWORKS must be empty in production.")
        listed = read_text("OUTGOING_TRUSTED_HOSTS", "").lower().split(",")
        targets = frozenset(target.strip() for target in listed if target.strip())
        return cls(
            names=frozenset(target.rpartition(":")[0] for target in targets),
            targets=targets,
            networks=networks,
            refused=_networks(
                "OUTGOING_REFUSED_NETWORKS", read_text("OUTGOING_REFUSED_NETWORKS", "")
            ),
        )


@dataclass(frozen=True)
class ResolverSettings:
    """What the resolver needs to know."""

    bind: Server
    # Empty: those of /etc/resolv.conf, read again when it changes.
    upstreams: tuple[Server, ...]
    trust: Trust

    @classmethod
    def from_environment(cls) -> ResolverSettings:
        """Read the environment.

        Raises: SettingError, also when the resolver would ask itself.
        """
        bind = read_bind()
        parts = read_text("GATEWAY_RESOLVER_UPSTREAMS", "").split(",")
        upstreams = tuple(
            _server("GATEWAY_RESOLVER_UPSTREAMS", part.strip(), DNS_PORT)
            for part in parts
            if part.strip()
        )
        if bind in upstreams:
            raise SettingError("GATEWAY_RESOLVER_UPSTREAMS must not name the resolver itself.")
        return cls(bind, upstreams, Trust.from_environment())


def read_bind() -> Server:
    """Return where the resolver listens.

    Raises: SettingError for an address that others on the internet could reach.
    """
    server = _server("GATEWAY_RESOLVER_BIND", read_text("GATEWAY_RESOLVER_BIND", DEFAULT_BIND))
    address = ip_address(server.host)
    if is_public_address(server.host) or address.is_unspecified or address.is_multicast:
        raise SettingError(
            f"GATEWAY_RESOLVER_BIND must be a loopback or private address, not {server.host}."
        )
    return server


def system_servers(bind: Server, path: Path = RESOLV_CONF) -> tuple[Server, ...]:
    """Return the name servers of this machine, without the resolver itself."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    hosts = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    servers = (Server(host, DNS_PORT) for host in hosts if _is_address(host))
    return tuple(server for server in servers if server != bind)


def _server(name: str, text: str, default_port: int | None = None) -> Server:
    if default_port is not None and _is_address(text.strip("[]")):
        return Server(text.strip("[]"), default_port)
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not _is_address(host) or not port.isdigit() or not 0 < int(port) < 65_536:
        raise SettingError(f"{name} must read ip:port, not {text!r}.")
    return Server(host, int(port))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _networks(name: str, text: str) -> tuple[IPNetwork, ...]:
    try:
        return parse_networks(text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}.") from None

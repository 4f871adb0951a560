"""Which hosts and addresses are on the public internet. Plain Python: the gateway's processes use it too.

Source: docs/adr/0008-outgoing-http.md; IANA special-purpose address registries; OWASP SSRF prevention cheat sheet.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

IPNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

HOSTS_FILE: Final = Path("/etc/hosts")
MAX_NAME_CHARS: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
# Where the last label is a number, some programs read the whole as an IPv4 address.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_PRIVATE_SUFFIXES: Final = (
    ".local",
    ".localdomain",
    ".localhost",
    ".internal",
    ".intranet",
    ".lan",
    ".home.arpa",
    ".onion",
)
# What `ipaddress` calls global and still leads inside, or leads to an IPv4 address in disguise.
_REFUSED_V4: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15")
)
_REFUSED_V6: Final = tuple(ipaddress.ip_network(network) for network in ("2001::/32", "2002::/16"))
# All that is given out for the internet; NAT64 and the other disguises lie outside.
_GLOBAL_V6: Final = ipaddress.ip_network("2000::/3")


def parse_networks(text: str) -> tuple[IPNetwork, ...]:
    """Read networks in CIDR notation, comma-separated; a single address is a network of one.

    Raises: ValueError naming the part that is no network.
    """
    parts = [part.strip() for part in text.split(",")]
    return tuple(ipaddress.ip_network(part, strict=False) for part in parts if part)


def is_in_networks(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    """Whether an address, or the IPv4 address that it is another spelling of, is in one of the networks."""
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)


def is_public_address(text: str, *, refused: Sequence[IPNetwork] = ()) -> bool:
    """Whether an IP address is on the public internet (and not a tunnel to a private one).

    Args:
        text: the address, without brackets.
        refused: networks that do not count as public: the operator's own.
    """
    address = ipaddress.ip_address(text.split("%", 1)[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public_address(str(address.ipv4_mapped), refused=refused)
        if address not in _GLOBAL_V6 or any(address in network for network in _REFUSED_V6):
            return False
    elif any(address in network for network in _REFUSED_V4):
        return False
    return address.is_global and not address.is_multicast and not is_in_networks(address, refused)


def is_ip_literal(host: str) -> bool:
    """Whether a host is an address, also in octal, hexadecimal or shortened notation."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            socket.inet_aton(host)  # accepts 0x7f.1, 2130706433 and the like
        except (OSError, UnicodeError):
            return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None
    return True


def is_host_name(host: str) -> bool:
    """Whether a text is a host name in ASCII, without a dot at its end."""
    return len(host) <= MAX_NAME_CHARS and all(_LABEL.fullmatch(part) for part in host.split("."))


def is_private_name(host: str) -> bool:
    """Whether a name means something inside only: without a dot, under an inner suffix, or in the hosts file.

    Such names are not asked of a name server, so nothing that watches name servers could vet them.
    """
    name = host.lower()
    return "." not in name or name.endswith(_PRIVATE_SUFFIXES) or name in hosts_file_names()


def hosts_file_names(path: Path | None = None) -> frozenset[str]:
    """Return the names that this machine's hosts file resolves, in lower case."""
    try:
        text = (path or HOSTS_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    lines = (line.partition("#")[0].split() for line in text.lower().splitlines())
    return frozenset(name.rstrip(".") for words in lines for name in words[1:])

"""The rule: a name is answered only when every address that it has, of both families, may be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from apps.core.addresses import (
    is_host_name,
    is_in_networks,
    is_ip_literal,
    is_private_name,
    is_public_address,
)

if TYPE_CHECKING:
    from apps.gateway.resolver.config import Trust

MIN_TTL_S: Final = 1
# A name that moved is followed within a minute; a name that changes at each question is not asked for at each call.
MAX_TTL_S: Final = 60
# A fault of name servers passes by itself.
FAILED_TTL_S: Final = 1
# Many addresses make an answer that does not fit a datagram; a call needs one.
MAX_ADDRESSES: Final = 16


class Outcome(StrEnum):
    """What became of a question for a name."""

    PUBLIC = "public"
    # An address, or the name itself, leads inside.
    REFUSED = "refused"
    NO_NAME = "no_name"
    # The name exists and has no address.
    NO_ADDRESS = "no_address"
    # No name server answered in time, or what came made no sense.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Found:
    """What name servers said about one family of addresses of a name; `exists` None: nothing usable."""

    addresses: tuple[str, ...] = ()
    ttl_s: int = MAX_TTL_S
    exists: bool | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be answered about a name, and for how long."""

    outcome: Outcome
    ttl_s: int
    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()
    # One family could not be asked for: its questions fail, the other's are answered.
    lacks_v4: bool = False
    lacks_v6: bool = False
    culprits: tuple[str, ...] = field(default=())


def may_be_asked_for(host: str, trust: Trust) -> bool:
    """Whether a name is a public one, or one that the operator listed."""
    if host in trust.names:
        return True
    return is_host_name(host) and not is_ip_literal(host) and not is_private_name(host)


def may_be_called(address: str, trust: Trust) -> bool:
    """Whether an address is public, or in a network that counts as public."""
    if is_in_networks(ip_address(address), trust.networks):
        return True
    return is_public_address(address, refused=trust.refused)


def judge(host: str, v4: Found, v6: Found, trust: Trust) -> Verdict:
    """Return the verdict about a name. One bad address of either family refuses the whole name."""
    ttl_s = max(MIN_TTL_S, min(v4.ttl_s, v6.ttl_s, MAX_TTL_S))
    found = (*v4.addresses, *v6.addresses)
    bad = tuple(address for address in found if not may_be_called(address, trust))
    if bad and host not in trust.names:
        return Verdict(Outcome.REFUSED, ttl_s, culprits=bad)
    if found:
        return Verdict(
            Outcome.PUBLIC,
            ttl_s,
            v4=v4.addresses[:MAX_ADDRESSES],
            v6=v6.addresses[:MAX_ADDRESSES],
            lacks_v4=v4.exists is None,
            lacks_v6=v6.exists is None,
        )
    if v4.exists is None or v6.exists is None:
        return Verdict(Outcome.FAILED, FAILED_TTL_S)
    if v4.exists and v6.exists:
        return Verdict(Outcome.NO_ADDRESS, ttl_s)
    return Verdict(Outcome.NO_NAME, ttl_s)

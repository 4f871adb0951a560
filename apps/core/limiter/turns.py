"""One turn at the platform's own API: who asks, which policy holds, what came out.

People who are signed in count by themselves; an organization that pays counts as a whole, and so do its service tokens;
strangers, and credentials that were refused, count by address. Service tokens of the platform's own machines
(the gateway's shippers) are of the tier `platform`, which has no limit by default.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django.http import HttpRequest
from prometheus_client import Counter

from apps.core.actors import Actor, ActorKind
from apps.core.client_address import client_address
from apps.core.limiter import policies
from apps.core.limiter.store import limiter_at
from apps.core.limiter.windows import Verdict

logger = structlog.get_logger(__name__)

API_PREFIX: Final = "/api/"
UNKNOWN_ROUTE: Final = "unknown"
# Where the verdict waits on the request for the middleware that writes the headers; None: nothing is limited.
VERDICT: Final = "api_rate_verdict"
# Neighbours in one IPv6 network of this size are one customer of a provider.
IPV6_PREFIX: Final = 64

breaches: Final = Counter(
    "tollgate_api_rate_limited",
    "Calls of the platform's API that were refused for their number.",
    ["tier", "subject"],
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is counted: what kind of party, its tier, and the name under which it is counted."""

    kind: str
    tier: str
    key: str


def take_turn(request: HttpRequest, actor: Actor) -> Verdict | None:
    """Count one call of the API, and leave the verdict on the request; None where nothing is limited.

    A refusal is logged as `rate_limit.breached`, with the kind of subject but not with who it is.
    """
    route = route_of(request)
    subject = subject_of(request, actor)
    policy = policies.policy_for(subject.tier, route)
    if policy is None:
        setattr(request, VERDICT, None)
        return None
    verdict = limiter_at(settings.REDIS_URL).take(subject.key, policy)
    setattr(request, VERDICT, verdict)
    if not verdict.is_allowed:
        breaches.labels(tier=subject.tier, subject=subject.kind).inc()
        logger.warning(
            "rate_limit.breached",
            route=route,
            subject=subject.kind,
            tier=subject.tier,
            policy=verdict.tightest.name,
            limit=verdict.tightest.max,
            retry_after_s=verdict.reset_s,
        )
    return verdict


def route_of(request: HttpRequest) -> str:
    """Return the name of the route that a request found, with its namespace."""
    match = request.resolver_match
    return match.view_name if match is not None else UNKNOWN_ROUTE


def subject_of(request: HttpRequest, actor: Actor) -> Subject:
    """Return who is counted for a call."""
    if actor.kind is ActorKind.ANONYMOUS:
        return Subject("address", policies.ANONYMOUS, f"a:{network_of(client_address(request))}")
    if actor.is_staff:
        return Subject("user", policies.STAFF, f"u:{actor.user_id}")
    if actor.kind is ActorKind.SERVICE_TOKEN and actor.organization_id is None:
        return Subject("service", policies.PLATFORM, f"t:{actor.token_id}")
    if actor.api_tier in policies.PAID:
        return Subject("organization", actor.api_tier, f"o:{actor.organization_id}")
    if actor.user_id is None:
        return Subject("organization", policies.FREE, f"o:{actor.organization_id}")
    return Subject("user", policies.FREE, f"u:{actor.user_id}")


def network_of(address: str) -> str:
    """Return an address as it is counted: IPv4 as it is, IPv6 by its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unreadable"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False).network_address)
    return str(found)

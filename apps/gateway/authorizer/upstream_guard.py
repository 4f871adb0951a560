"""Refuses upstreams that lead inside, before a call is counted.

It stands in front of the resolver, which Caddy asks at each connection: what the resolver refuses, is not even tried.
Literal addresses and inner names, which no resolver sees, were refused when the API was saved; should one get into
the registry all the same, it is refused here.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from apps.core.addresses import is_in_networks, is_ip_literal
from apps.gateway.resolver.client import Opinion
from apps.gateway.resolver.vetting import may_be_asked_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apps.gateway.entries import Route
    from apps.gateway.resolver.client import ResolverClient
    from apps.gateway.resolver.config import Trust

logger = logging.getLogger(__name__)

POLL_S: Final = 2.0
CHECK_EVERY_S: Final = 30.0
JITTER: Final = 0.2
# Per poll, so 20 names a second at most: with more than 600 names each one's turn comes less often.
MAX_CHECKS: Final = 40
CONCURRENCY: Final = 8


class UpstreamGuard:
    """Knows which upstreams may not be dialled."""

    def __init__(self, resolver: ResolverClient, trust: Trust) -> None:
        """Begin without any opinion; `run` asks for them."""
        self.refused_names: set[str] = set()
        self.resolver_counts: dict[str, int] = {}
        # None until it was asked.
        self.is_resolver_up: bool | None = None
        self._resolver = resolver
        self._trust = trust
        # Whether a target is refused for the way it is written.
        self._by_shape: dict[tuple[str, int], bool] = {}
        self._due_at: dict[str, float] = {}

    def refuses(self, route: Route) -> bool:
        """Tell whether calls of a route must not be let on."""
        if route.host in self.refused_names:
            return True
        target = (route.host, route.port)
        is_refused = self._by_shape.get(target)
        if is_refused is None:
            is_refused = self._by_shape[target] = self._is_refused_by_shape(*target)
            if is_refused:
                logger.warning("upstream %s:%d is refused: no public name", *target)
        return is_refused

    async def run(self, routes: Callable[[], Mapping[str, Route]]) -> None:
        """Check the names of all routes again and again, until cancelled."""
        while True:
            await self._ask_for_status()
            names = {route.host for route in routes().values() if self._is_checked(route)}
            self._forget_others(names)
            if self.is_resolver_up:
                await self._check(self._due(names))
            await asyncio.sleep(POLL_S)

    def _is_checked(self, route: Route) -> bool:
        return route.host not in self._trust.names and not is_ip_literal(route.host)

    def _is_refused_by_shape(self, host: str, port: int) -> bool:
        if f"{host}:{port}".lower() in self._trust.targets:
            return False
        if not is_ip_literal(host):
            return not may_be_asked_for(host.lower(), self._trust)
        try:
            return not is_in_networks(ip_address(host), self._trust.networks)
        except ValueError:
            return True

    async def _ask_for_status(self) -> None:
        counts = await self._resolver.status()
        is_up = counts is not None
        if is_up != self.is_resolver_up:
            level = logging.INFO if is_up else logging.ERROR
            logger.log(level, "the resolver %s", "answers" if is_up else "does not answer")
        self.is_resolver_up = is_up
        self.resolver_counts = counts or self.resolver_counts

    def _forget_others(self, names: set[str]) -> None:
        """Forget what no route needs any more."""
        self.refused_names &= names
        for host in self._due_at.keys() - names:
            del self._due_at[host]
        if len(self._by_shape) > 2 * len(names) + MAX_CHECKS:
            self._by_shape.clear()

    def _due(self, names: set[str]) -> list[str]:
        now = time.monotonic()
        due = [host for host in names if self._due_at.get(host, 0.0) <= now]
        return sorted(due, key=lambda host: self._due_at.get(host, 0.0))[:MAX_CHECKS]

    async def _check(self, hosts: list[str]) -> None:
        slots = asyncio.Semaphore(CONCURRENCY)

        async def check(host: str) -> None:
            async with slots:
                self._learn(host, await self._resolver.ask(host))

        await asyncio.gather(*(check(host) for host in hosts))

    def _learn(self, host: str, opinion: Opinion) -> None:
        spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 -- no secret depends on it
        self._due_at[host] = time.monotonic() + CHECK_EVERY_S * spread
        if opinion is Opinion.REFUSED and host not in self.refused_names:
            logger.warning("upstream %s is refused: it resolves to no public address", host)
            self.refused_names.add(host)
        elif opinion is Opinion.ALLOWED and host in self.refused_names:
            logger.info("upstream %s is allowed again", host)
            self.refused_names.discard(host)
        # A name that does not resolve is dialled in vain; the circuit breaker deals with it.

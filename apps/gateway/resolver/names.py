"""Verdicts about names, kept for as long as name servers allow and a minute at most."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Final

import dns.name
import dns.rdatatype

from apps.gateway.resolver.vetting import (
    FAILED_TTL_S,
    MAX_TTL_S,
    Outcome,
    Verdict,
    judge,
    may_be_asked_for,
)

if TYPE_CHECKING:
    from apps.gateway.resolver.config import Trust
    from apps.gateway.resolver.lookups import NameServers

logger = logging.getLogger(__name__)

MAX_NAMES: Final = 10_000
MAX_LOOKUPS: Final = 64
# Beyond this many names that wait to be looked up, further ones fail at once.
MAX_WAITING: Final = 1_024


class Names:
    """Answers questions for names, from memory or by asking name servers once for all who wait."""

    def __init__(self, servers: NameServers, trust: Trust, counts: Counter[str]) -> None:
        """Count lookups by outcome as `lookups_<outcome>`."""
        self._servers = servers
        self._trust = trust
        self._counts = counts
        self._kept: OrderedDict[str, tuple[float, Verdict]] = OrderedDict()
        self._asked: dict[str, asyncio.Task[Verdict]] = {}
        self._slots = asyncio.Semaphore(MAX_LOOKUPS)

    async def find(self, name: dns.name.Name) -> tuple[Verdict, int]:
        """Return the verdict about a name, and for how many seconds it may be kept."""
        host = name.to_text(omit_final_dot=True).lower()
        kept = self._kept.get(host)
        now = time.monotonic()
        if kept is not None and now < kept[0]:
            return kept[1], max(1, int(kept[0] - now))
        task = self._asked.get(host)
        if task is None:
            if len(self._asked) >= MAX_WAITING:
                self._counts["overloaded"] += 1
                return Verdict(Outcome.FAILED, FAILED_TTL_S), FAILED_TTL_S
            task = asyncio.create_task(self._look_up(host, name))
            self._asked[host] = task
            task.add_done_callback(lambda _: self._asked.pop(host, None))
        # One who stops waiting does not take the answer from the others.
        verdict = await asyncio.shield(task)
        return verdict, verdict.ttl_s

    async def close(self) -> None:
        """Stop what is still being looked up."""
        tasks = list(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_up(self, host: str, name: dns.name.Name) -> Verdict:
        if may_be_asked_for(host, self._trust):
            async with self._slots:
                v4, v6 = await asyncio.gather(
                    self._servers.ask(name, dns.rdatatype.A),
                    self._servers.ask(name, dns.rdatatype.AAAA),
                )
            verdict = judge(host, v4, v6, self._trust)
        else:
            verdict = Verdict(Outcome.REFUSED, MAX_TTL_S, culprits=("the name itself",))
        self._counts[f"lookups_{verdict.outcome}"] += 1
        if verdict.outcome is Outcome.REFUSED:
            logger.warning("resolver: %s is refused: %s", host, ", ".join(verdict.culprits))
        self._keep(host, verdict)
        return verdict

    def _keep(self, host: str, verdict: Verdict) -> None:
        self._kept[host] = (time.monotonic() + verdict.ttl_s, verdict)
        self._kept.move_to_end(host)
        while len(self._kept) > MAX_NAMES:
            self._kept.popitem(last=False)

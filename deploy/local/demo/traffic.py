"""Calls through the gateway: good ones over several keys and endpoints, unknown keys, and too many at once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

CONNECTIONS: Final = 24
TIMEOUT_S: Final = 30.0
# Path and weight: most calls are quick, a few are slow, a few fail upstream.
PATHS: Final = (
    ("/v1/cities?country=FR", 30),
    ("/v1/cities?search=san", 25),
    ("/v1/rates?base=USD", 20),
    ("/v1/convert?from=EUR&to=JPY&amount=100", 15),
    ("/v1/flaky", 8),
    ("/v1/reports/slow?delay_ms=150", 2),
)


@dataclass(frozen=True, slots=True)
class TrafficResult:
    """How the calls were answered: how many calls per status."""

    statuses: Counter[int]

    @property
    def made(self) -> int:
        """How many calls were made."""
        return self.statuses.total()

    @property
    def succeeded(self) -> int:
        """How many were answered 200."""
        return self.statuses[httpx.codes.OK]


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make."""

    path: str
    key: str


def plan_calls(keys: Sequence[str], *, count: int, bad_keys: int, seed: int = 7) -> list[Call]:
    """Return calls in a mixed order that is the same each time."""
    chooser = random.Random(seed)  # noqa: S311 -- a script for the demo, not a secret
    paths = [path for path, _weight in PATHS]
    weights = [weight for _path, weight in PATHS]
    calls = [
        Call(path, keys[number % len(keys)])
        for number, path in enumerate(chooser.choices(paths, weights, k=count))
    ]
    calls += [Call(paths[0], forged_key(keys[0], number)) for number in range(bad_keys)]
    chooser.shuffle(calls)
    return calls


def forged_key(key: str, number: int) -> str:
    """Return a key that looks right but is not: its checksum is wrong, or it is no key at all."""
    return key[:-1] + ("0" if key[-1] != "0" else "1") if number % 2 else f"not-a-key-{number}"


def make_calls(
    base_url: str, calls: Sequence[Call], report: Callable[[int, int], None]
) -> TrafficResult:
    """Make the calls over a few dozen connections and count the answers."""
    return asyncio.run(_make_calls(base_url, calls, report))


async def _make_calls(
    base_url: str, calls: Sequence[Call], report: Callable[[int, int], None]
) -> TrafficResult:
    queue = iter(calls)
    statuses: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S, limits=limits) as client:

        async def work() -> None:
            for call in queue:
                answer = await client.get(call.path, headers={"X-Api-Key": call.key})
                statuses[answer.status_code] += 1
                if statuses.total() % 50 == 0:
                    report(statuses.total(), len(calls))

        await asyncio.gather(*(work() for _connection in range(CONNECTIONS)))
    report(len(calls), len(calls))
    return TrafficResult(statuses)

"""Events that one web process accepts per second: gzip batches over HTTP, each durable before its 202."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

if TYPE_CHECKING:
    from benchmarks.usage_processes import Web

BATCHES: Final = 40
ROUNDS: Final = 5
# As many shippers send at once.
CONNECTIONS: Final = 4
# Ten times what the lag is measured at: intake is never what events wait for.
GOAL: Final = 20_000


def measure() -> list[Measure]:
    """Return the median of the rounds, after one that is not counted."""
    with durable_servers():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from benchmarks.sides import cpu_seconds  # noqa: PLC0415 -- after django.setup()
    from benchmarks.usage_batches import EVENTS_PER_BATCH, make_batch, prepare  # noqa: PLC0415
    from benchmarks.usage_processes import one_web  # noqa: PLC0415 -- see above

    keys = prepare()
    rates, cpu = [], []
    with one_web() as web:
        for number in range(ROUNDS + 1):
            bodies = [make_batch(keys) for _batch in range(BATCHES)]
            spent = cpu_seconds(web.pid)
            took = _post_all(web, bodies, number)
            events = BATCHES * EVENTS_PER_BATCH
            rates.append(events / took)
            cpu.append((cpu_seconds(web.pid) - spent) / events * 1e6)
    return [
        Measure(
            "accepted by one web process",
            median(rates[1:]),
            "events/s",
            GOAL,
            note=f"gzip batches of {EVENTS_PER_BATCH:,}, {CONNECTIONS} connections",
        ),
        Measure("CPU of web for one event", median(cpu[1:]), "µs"),
    ]


def _post_all(web: Web, bodies: list[bytes], number: int) -> float:
    """Send all batches over some connections at once; return the seconds."""
    import httpx  # noqa: PLC0415 -- beside what needs it

    from benchmarks.usage_processes import post  # noqa: PLC0415 -- after django.setup()

    def send(share: int) -> None:
        with httpx.Client(base_url=web.url, timeout=60, trust_env=False) as client:
            for index in range(share, len(bodies), CONNECTIONS):
                post(client, bodies[index], f"intake-{number}-{index}")

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, range(CONNECTIONS)))  # raises what one raised
    return time.perf_counter() - began

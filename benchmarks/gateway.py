"""The gateway against bare Caddy, and one authorizer alone.

Everything runs on this machine and shares its cores with the load generator, so ratios of one run say more
than absolute numbers, and the CPU that each process spends on a call says more than calls per second.
Both Caddys run with the gateway's memory settings, behind the same generator and before the same upstream.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from apps.gateway.entries import UpstreamTimeout
from benchmarks.load import ID_MARK
from benchmarks.results import Measure
from benchmarks.sides import (
    LIMITS,
    QUOTA,
    ROUNDS,
    SECONDS,
    Side,
    StaticCaddy,
    bare_proxy,
    cpu_seconds,
    load_port,
    rate,
    request_text,
    static_answer,
)
from deploy.local.binaries import CADDY_MEMORY
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    ValkeyServer,
    ask_headers,
    make_consumer,
    make_route,
    running,
)

PROXY_GOAL: Final = 0.5
DECISIONS_GOAL: Final = 20_000


def measure() -> list[Measure]:
    """Measure both, in one run on one set of servers."""
    with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(
            running(StaticCaddy(folder, "upstream", static_answer(), {}))
        )
        bare = stack.enter_context(
            running(StaticCaddy(folder, "bare", bare_proxy(upstream.port), CADDY_MEMORY))
        )
        valkey = stack.enter_context(running(ValkeyServer(folder / "valkey")))
        registry = Registry(valkey)
        # As the portal makes routes, unless a provider chooses another time to answer.
        registry.apply(make_route("weather", upstream.port, timeout=UpstreamTimeout.STANDARD))
        # As in production: Caddy reaches its authorizer by a unix socket.
        behind = AuthorizerProcess(
            folder, valkey.url, node="behind", AUTHORIZER_BIND=f"unix:{folder}/authorizer.sock"
        )
        alone = AuthorizerProcess(folder, valkey.url, node="alone")
        for authorizer in (behind, alone):
            stack.enter_context(running(authorizer))
            authorizer.wait_until("serving")
        consumer = make_consumer(limits=LIMITS, quota=QUOTA)
        registry.admit(consumer)
        caddy = CaddyProcess(folder, behind.dial)
        stack.enter_context(running(caddy))
        return [
            *_measure_proxy(
                Side(bare.port, {"Caddy": bare, "upstream": upstream}),
                Side(
                    caddy.port,
                    {"Caddy": caddy, "authorizer": behind, "Valkey": valkey, "upstream": upstream},
                ),
                consumer,
            ),
            *_measure_decisions(alone, consumer),
        ]


def _measure_proxy(bare: Side, gateway: Side, consumer: Consumer) -> list[Measure]:
    """Take turns, so that what else the machine does hits both alike."""
    request = request_text("/weather/today", {"X-Api-Key": consumer.key})
    for _ in range(ROUNDS):
        bare.measure(request)
        gateway.measure(request)
    bare_rate, gateway_rate = rate(bare.runs), rate(gateway.runs)
    bare_cpu, gateway_cpu = sum(bare.cpu_us.values()), sum(gateway.cpu_us.values())
    p99 = median(run.p99_ms for run in gateway.runs)
    return [
        Measure("bare Caddy reverse_proxy", bare_rate, "calls/s"),
        Measure(
            "gateway (limits, journal, log)", gateway_rate, "calls/s", note=f"p99 {p99:.1f} ms"
        ),
        Measure("gateway / bare Caddy", gateway_rate / bare_rate, "ratio", PROXY_GOAL),
        Measure("CPU of a call, bare", bare_cpu, "µs", note=bare.cpu_note),
        Measure("CPU of a call, gateway", gateway_cpu, "µs", note=gateway.cpu_note),
        Measure("CPU, bare / gateway", bare_cpu / gateway_cpu, "ratio"),
    ]


def _measure_decisions(authorizer: AuthorizerProcess, consumer: Consumer) -> list[Measure]:
    headers = ask_headers(consumer, x_tollgate_request_id=ID_MARK)
    request = request_text("/authz/caddy", headers)
    before = cpu_seconds(authorizer.pid)
    runs = [load_port(authorizer.port, request) for _ in range(ROUNDS)]
    spent = cpu_seconds(authorizer.pid) - before
    decided = sum(run.rate for run in runs) * SECONDS
    return [
        Measure(
            "authorizer alone, 4 limits",
            rate(runs),
            "decisions/s",
            DECISIONS_GOAL,
            note=f"p99 {median(run.p99_ms for run in runs):.1f} ms",
        ),
        Measure("authorizer per second of its CPU", decided / spent, "decisions"),
    ]

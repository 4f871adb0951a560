"""The proxy profiles against each other and against express-gateway, what they add to a call, and whether they count right.

As in `gateway`: one machine, one run, so ratios say more than numbers.
"""

from __future__ import annotations

import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import Final

from apps.gateway.entries import UpstreamTimeout
from benchmarks.express_gateway import ExpressGateway, find_express_gateway
from benchmarks.load import Load, run_load
from benchmarks.results import Measure
from benchmarks.sides import (
    LIMITS,
    QUOTA,
    ROUNDS,
    Side,
    StaticCaddy,
    bare_proxy,
    rate,
    request_text,
    static_answer,
)
from deploy.local.binaries import CADDY_MEMORY
from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    NginxProcess,
    ValkeyServer,
    make_consumer,
    make_route,
    running,
)

NGINX_GOAL: Final = 1.5
EXPRESS_GOAL: Final = 2.0
ADDED_P99_MS: Final = 3.0
PACE: Final = 1_000.0
PACED_SECONDS: Final = 5.0
AT_ONCE: Final = 200
SMALL_QUOTA: Final = 100


def measure() -> list[Measure]:
    """Measure all, in one run on one set of servers."""
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
        authorizer = AuthorizerProcess(
            folder, valkey.url, node="behind", AUTHORIZER_BIND=f"unix:{folder}/authorizer.sock"
        )
        stack.enter_context(running(authorizer))
        authorizer.wait_until("serving")
        consumer, few = make_consumer(limits=LIMITS, quota=QUOTA), make_consumer(quota=SMALL_QUOTA)
        registry.admit(consumer, few)
        caddy = stack.enter_context(running(CaddyProcess(_below(folder, "c"), authorizer.dial)))
        nginx = stack.enter_context(running(NginxProcess(_below(folder, "n"), authorizer.dial)))
        pool = (f"{LOOPBACK}:{upstream.port}",)
        pooled = stack.enter_context(
            running(NginxProcess(_below(folder, "p"), authorizer.dial, pools=pool))
        )
        behind = {"authorizer": authorizer, "Valkey": valkey, "upstream": upstream}
        sides = {
            "Caddy profile": Side(caddy.port, {"Caddy": caddy, **behind}),
            "nginx profile": Side(nginx.port, {"nginx": nginx, **behind}),
            "nginx profile, kept connections": Side(pooled.port, {"nginx": pooled, **behind}),
        }
        return [
            *_measure_express(folder, upstream.port, sides["Caddy profile"], consumer),
            *_measure_profiles(sides, consumer),
            *_measure_added(
                upstream.port,
                {"bare Caddy": bare.port, "Caddy": caddy.port, "nginx": pooled.port},
                consumer,
            ),
            _measure_accuracy(caddy.port, few),
        ]


def _measure_profiles(sides: dict[str, Side], consumer: Consumer) -> list[Measure]:
    request = request_text("/weather/today", {"X-Api-Key": consumer.key})
    for side in sides.values():
        side.forget()
    for _ in range(ROUNDS):
        for side in sides.values():
            side.measure(request)
    rates = {name: rate(side.runs) for name, side in sides.items()}
    caddy, nginx, pooled = rates.values()
    return [
        *(
            Measure(name, rates[name], "calls/s", note=f"µs of CPU: {side.cpu_note}")
            for name, side in sides.items()
        ),
        Measure("nginx / Caddy, a connection a call", nginx / caddy, "ratio"),
        Measure("nginx / Caddy, kept connections", pooled / caddy, "ratio", NGINX_GOAL),
    ]


def _measure_added(upstream: int, ports: dict[str, int], consumer: Consumer) -> list[Measure]:
    """Compare the slowest hundredth at a steady pace with the upstream alone."""
    request = request_text("/weather/today", {"X-Api-Key": consumer.key})
    measures = []
    for name, port in ports.items():
        added = []
        for _ in range(ROUNDS):
            alone, through = (
                run_load(Load(each, request, seconds=PACED_SECONDS, per_second=PACE))
                for each in (upstream, port)
            )
            if through.failed:
                raise RuntimeError(f"{through.failed} calls failed at a steady pace")
            added.append(through.p99_ms - alone.p99_ms)
        note = f"{PACE:.0f} calls/s; of {ROUNDS} runs: {', '.join(f'{each:.1f}' for each in added)}"
        at_most = ADDED_P99_MS if name == "Caddy" else None
        measures.append(
            Measure(f"p99 that {name} adds", median(added), "ms", note=note, at_most=at_most)
        )
    return measures


def _measure_accuracy(port: int, consumer: Consumer) -> Measure:
    """Send twice as many calls as there is quota for, all at the same moment."""
    request = request_text("/weather/today", {"X-Api-Key": consumer.key}).encode()
    start = Barrier(AT_ONCE)

    def call(_number: int) -> bool:
        with socket.create_connection((LOOPBACK, port), timeout=20) as connection:
            start.wait()
            connection.sendall(request)
            return connection.recv(4096).split()[1] == b"200"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        allowed = sum(pool.map(call, range(AT_ONCE)))
    name = f"allowed of {AT_ONCE} at once, quota {SMALL_QUOTA}"
    return Measure(name, allowed, "calls", goal=SMALL_QUOTA, at_most=SMALL_QUOTA)


def _measure_express(folder: Path, upstream: int, caddy: Side, consumer: Consumer) -> list[Measure]:
    package = find_express_gateway(_below(folder, "express"))
    if package is None:
        print("express-gateway: not compared: needs npm", file=sys.stderr)
        return []
    with running(ExpressGateway(package, upstream)) as express:
        theirs = Side(express.port, {"express-gateway": express})
        request = request_text("/weather/today", {"Authorization": f"apiKey {express.key}"})
        ours = request_text("/weather/today", {"X-Api-Key": consumer.key})
        for _ in range(ROUNDS):
            theirs.measure(request)
            caddy.measure(ours)
    their_rate, our_rate = rate(theirs.runs), rate(caddy.runs)
    return [
        Measure("express-gateway, key-auth alone", their_rate, "calls/s", note=theirs.cpu_note),
        Measure("Caddy profile / express-gateway", our_rate / their_rate, "ratio", EXPRESS_GOAL),
    ]


def _below(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name

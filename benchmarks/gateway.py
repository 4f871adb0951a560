"""The gateway against bare Caddy, and one authorizer alone.

Everything runs on this machine and shares its cores with the load generator, so ratios of one run say more
than absolute numbers, and the CPU that each process spends on a call says more than calls per second.
Both Caddys run with the gateway's memory settings, behind the same generator and before the same upstream.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from apps.gateway.entries import RateLimit
from benchmarks.load import ID_MARK, Load, LoadResult, run_load
from benchmarks.results import Measure
from deploy.local.binaries import CADDY_MEMORY, find_binaries
from deploy.local.ports import LOOPBACK, accepts_connections, find_free_ports
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    Process,
    ValkeyServer,
    ask_headers,
    make_consumer,
    make_route,
    running,
    wait_for,
)

ROUNDS: Final = 3
SECONDS: Final = 4.0
CONNECTIONS: Final = 32
# Four limits that are counted but never reached: three windows and a hard quota.
LIMITS: Final = tuple(
    RateLimit(name, 10**8, seconds) for name, seconds in (("s", 1), ("m", 60), ("h", 3600))
)
QUOTA: Final = 10**9
PROXY_GOAL: Final = 0.5
DECISIONS_GOAL: Final = 20_000
UPSTREAM_BODY: Final = json.dumps({"city": "Harare", "temperature_c": 24.5, "wind_kmh": 11})


def measure() -> list[Measure]:
    """Measure both, in one run on one set of servers."""
    with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(
            running(_StaticCaddy(folder, "upstream", _static_answer(), {}))
        )
        bare = stack.enter_context(
            running(_StaticCaddy(folder, "bare", _bare_proxy(upstream.port), CADDY_MEMORY))
        )
        valkey = stack.enter_context(running(ValkeyServer(folder / "valkey")))
        registry = Registry(valkey)
        registry.apply(make_route("weather", upstream.port))
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
                _Side(bare.port, {"Caddy": bare, "upstream": upstream}),
                _Side(
                    caddy.port,
                    {"Caddy": caddy, "authorizer": behind, "Valkey": valkey, "upstream": upstream},
                ),
                consumer,
            ),
            *_measure_decisions(alone, consumer),
        ]


class _Side:
    """One of the two that are compared: its port, its processes, and what was measured."""

    def __init__(self, port: int, processes: dict[str, Process]) -> None:
        self._port = port
        self._processes = processes
        self.runs: list[LoadResult] = []
        self._spent: defaultdict[str, float] = defaultdict(float)

    def measure(self, request: str) -> None:
        before = {name: _cpu_seconds(process.pid) for name, process in self._processes.items()}
        run = _load(self._port, request)
        self.runs.append(run)
        self._spent["load"] += run.cpu_seconds
        for name, process in self._processes.items():
            self._spent[name] += _cpu_seconds(process.pid) - before[name]

    @property
    def cpu_us(self) -> dict[str, float]:
        """CPU of one call by process, in µs."""
        calls = sum(run.rate for run in self.runs) * SECONDS
        return {name: spent / calls * 1e6 for name, spent in self._spent.items()}

    @property
    def cpu_note(self) -> str:
        return ", ".join(f"{name} {spent:.0f}" for name, spent in self.cpu_us.items())


def _measure_proxy(bare: _Side, gateway: _Side, consumer: Consumer) -> list[Measure]:
    """Take turns, so that what else the machine does hits both alike."""
    request = _request("/weather/today", {"X-Api-Key": consumer.key})
    for _ in range(ROUNDS):
        bare.measure(request)
        gateway.measure(request)
    bare_rate, gateway_rate = _rate(bare.runs), _rate(gateway.runs)
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
    request = _request("/authz/caddy", headers)
    before = _cpu_seconds(authorizer.pid)
    runs = [_load(authorizer.port, request) for _ in range(ROUNDS)]
    spent = _cpu_seconds(authorizer.pid) - before
    decided = sum(run.rate for run in runs) * SECONDS
    return [
        Measure(
            "authorizer alone, 4 limits",
            _rate(runs),
            "decisions/s",
            DECISIONS_GOAL,
            note=f"p99 {median(run.p99_ms for run in runs):.1f} ms",
        ),
        Measure("authorizer per second of its CPU", decided / spent, "decisions"),
    ]


def _load(port: int, request: str) -> LoadResult:
    result = run_load(Load(port, request, CONNECTIONS, SECONDS))
    if result.failed:
        raise RuntimeError(f"{result.failed} calls failed; the numbers would mean nothing")
    return result


def _rate(runs: list[LoadResult]) -> float:
    return median(run.rate for run in runs)


def _request(path: str, headers: dict[str, str]) -> str:
    lines = [f"GET {path} HTTP/1.1", "Host: gateway.example"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _static_answer() -> dict[str, object]:
    return {"handler": "static_response", "status_code": "200", "body": UPSTREAM_BODY}


def _bare_proxy(upstream: int) -> dict[str, object]:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": f"{LOOPBACK}:{upstream}"}]}


class _StaticCaddy(Process):
    """A Caddy with one handler."""

    def __init__(
        self, folder: Path, name: str, handler: dict[str, object], memory: dict[str, str]
    ) -> None:
        (self.port,) = find_free_ports(1)
        server = {
            "listen": [f"{LOOPBACK}:{self.port}"],
            "automatic_https": {"disable": True},
            "routes": [{"handle": [handler]}],
        }
        config = {
            "admin": {"disabled": True},
            "apps": {"http": {"servers": {name: server}}},
        }
        path = folder / f"{name}.json"
        path.write_text(json.dumps(config))
        super().__init__(
            [str(find_binaries(folder, None).caddy), "run", "--config", str(path)],
            {**os.environ, **memory, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            folder / f"{name}.log",
        )

    def start(self) -> None:
        super().start()
        wait_for(partial(accepts_connections, self.port), what=self.log.stem)

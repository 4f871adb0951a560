"""What is compared in the benchmarks of the gateway: a port under load, and the CPU of the processes behind it."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from apps.gateway.entries import RateLimit
from benchmarks.load import Load, LoadResult, run_load
from deploy.local.binaries import find_binaries
from deploy.local.ports import LOOPBACK, accepts_connections, find_free_ports
from tests.apps.gateway.dataplane.harness import Process, wait_for

ROUNDS: Final = 3
SECONDS: Final = 4.0
CONNECTIONS: Final = 32
# Four limits that are counted but never reached: three windows and a hard quota.
LIMITS: Final = tuple(
    RateLimit(name, 10**8, seconds) for name, seconds in (("s", 1), ("m", 60), ("h", 3600))
)
QUOTA: Final = 10**9
UPSTREAM_BODY: Final = json.dumps({"city": "Harare", "temperature_c": 24.5, "wind_kmh": 11})


class Side:
    """One of the two that are compared: its port, its processes, and what was measured."""

    def __init__(self, port: int, processes: dict[str, Process]) -> None:
        self._port = port
        self._processes = processes
        self.runs: list[LoadResult] = []
        self._spent: defaultdict[str, float] = defaultdict(float)

    def measure(self, request: str) -> None:
        """Run the load once, and note what each process spent on it."""
        before = {name: cpu_seconds(process.pid) for name, process in self._processes.items()}
        run = load_port(self._port, request)
        self.runs.append(run)
        self._spent["load"] += run.cpu_seconds
        for name, process in self._processes.items():
            self._spent[name] += cpu_seconds(process.pid) - before[name]

    def forget(self) -> None:
        """Begin anew: another comparison counts its own calls and its own CPU."""
        self.runs.clear()
        self._spent.clear()

    @property
    def cpu_us(self) -> dict[str, float]:
        """CPU of one call by process, in µs."""
        calls = sum(run.rate for run in self.runs) * SECONDS
        return {name: spent / calls * 1e6 for name, spent in self._spent.items()}

    @property
    def cpu_note(self) -> str:
        """Write the CPU of one call by process."""
        return ", ".join(f"{name} {spent:.0f}" for name, spent in self.cpu_us.items())


def load_port(port: int, request: str) -> LoadResult:
    """Put the load of the benchmarks on a port."""
    result = run_load(Load(port, request, CONNECTIONS, SECONDS))
    if result.failed:
        raise RuntimeError(f"{result.failed} calls failed; the numbers would mean nothing")
    return result


def rate(runs: list[LoadResult]) -> float:
    """Return calls per second: the median of the runs."""
    return median(run.rate for run in runs)


def request_text(path: str, headers: dict[str, str]) -> str:
    """Write a GET request."""
    lines = [f"GET {path} HTTP/1.1", "Host: gateway.example"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""])


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its workers, in seconds."""
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return _own_cpu_seconds(pid) + sum(cpu_seconds(int(worker)) for worker in workers)


def _own_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def static_answer() -> dict[str, object]:
    """Return a handler that is an upstream."""
    return {"handler": "static_response", "status_code": "200", "body": UPSTREAM_BODY}


def bare_proxy(upstream: int) -> dict[str, object]:
    """Return a handler that only forwards."""
    return {"handler": "reverse_proxy", "upstreams": [{"dial": f"{LOOPBACK}:{upstream}"}]}


class StaticCaddy(Process):
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

"""A small HTTP/1.1 load generator, in a process of its own: `python -m benchmarks.load <json>`.

Each connection sends one request, waits for the whole response, and sends the next. It parses just enough
to know where a response ends, so that its share of the machine stays small.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
import uuid
from collections import deque
from dataclasses import asdict, dataclass
from typing import Final, cast

import uvloop

# Replaced in every request by an id of its own.
ID_MARK: Final = "{request-id}"
_LENGTH: Final = b"content-length: "


@dataclass(frozen=True)
class Load:
    """What to send, and for how long."""

    port: int
    request: str
    connections: int = 32
    seconds: float = 5.0
    # Calls per second at which they begin, whatever the answers take; 0: each after the answer before it.
    per_second: float = 0.0


@dataclass(frozen=True)
class LoadResult:
    """Answers per second, how many were not 200, latencies in ms, and the generator's own CPU."""

    rate: float
    failed: int
    p50_ms: float
    p99_ms: float
    cpu_seconds: float


def run_load(load: Load) -> LoadResult:
    """Run a load in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(load))],
        check=True,
        capture_output=True,
        text=True,
    )
    return LoadResult(**json.loads(done.stdout))


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._due_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        if self._run.is_paced:
            self._run.take_turn(self)
        else:
            self.send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        start = head.find(_LENGTH) + len(_LENGTH)
        length = int(head[start : start + 12].split(b"\r", 1)[0]) if start >= len(_LENGTH) else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = b""
        self._run.note(time.perf_counter() - self._due_at, is_ok=head[9:12] == b"200")
        if self._run.is_paced:
            self._run.take_turn(self)
        else:
            self.send(time.perf_counter())

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._run.is_over:
            self._run.failed += 1

    def send(self, due_at: float) -> None:
        """Send a request that was due at a moment: what it waited for its turn counts."""
        if self._run.is_over:
            return
        self._due_at = due_at
        self._transport.write(self._run.next_request())


class _Run:
    """What the connections share."""

    def __init__(self, load: Load) -> None:
        head, mark, tail = load.request.partition(ID_MARK)
        self._head, self._tail = head.encode(), tail.encode()
        self._has_mark = bool(mark)
        self._prefix = uuid.uuid4().hex[:24]
        self._count = 0
        self.is_paced = load.per_second > 0
        self._interval = 1 / load.per_second if self.is_paced else 0.0
        self._idle: deque[_Client] = deque()
        self._due: deque[float] = deque()
        self.latencies: list[float] = []
        self.failed = 0
        self.is_over = False

    def next_request(self) -> bytes:
        if not self._has_mark:
            return self._head
        self._count += 1
        return b"%b%b%012d%b" % (self._head, self._prefix.encode(), self._count, self._tail)

    def take_turn(self, client: _Client) -> None:
        """Let a connection that is free take what is due, or wait."""
        if self._due:
            client.send(self._due.popleft())
        else:
            self._idle.append(client)

    async def pace(self, seconds: float) -> None:
        """Make requests due one by one."""
        next_at = time.perf_counter()
        end = next_at + seconds
        while next_at < end:
            await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
            while next_at <= time.perf_counter():
                self._due.append(next_at)
                next_at += self._interval
            while self._due and self._idle:
                self._idle.popleft().send(self._due.popleft())

    def note(self, seconds: float, *, is_ok: bool) -> None:
        self.latencies.append(seconds)
        self.failed += not is_ok


async def _drive(load: Load) -> LoadResult:
    # What the generator itself would wait for must not be measured; it makes no cycles.
    gc.disable()
    loop = asyncio.get_running_loop()
    run = _Run(load)
    started_at, spent_before = time.perf_counter(), time.process_time()
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Client(run), "127.0.0.1", load.port)
    await (run.pace(load.seconds) if run.is_paced else asyncio.sleep(load.seconds))
    run.is_over = True
    took = time.perf_counter() - started_at
    cpu_seconds = time.process_time() - spent_before
    ordered = sorted(run.latencies) or [0.0]
    return LoadResult(
        rate=len(run.latencies) / took,
        failed=run.failed,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[len(ordered) * 99 // 100] * 1000,
        cpu_seconds=cpu_seconds,
    )


if __name__ == "__main__":
    result = uvloop.run(_drive(Load(**json.loads(sys.argv[1]))))
    print(json.dumps(asdict(result)))

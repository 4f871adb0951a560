"""A wire between the gateway's machine and web that can be cut, and that remembers the batches sent over it."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final

from deploy.local.ports import LOOPBACK, find_free_ports

_INTAKE: Final = b"POST /api/v1/usage/events "
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MAX_HEAD_BYTES: Final = 1024 * 1024
_START_TIMEOUT_S: Final = 10


class Cut(Enum):
    """When a connection ends: in the middle of a batch, or once web has stored it but not said so."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch as it went over the wire."""

    head: bytes
    body: bytes

    @property
    def has_events(self) -> bool:
        """Tell whether it is more than a report that there is nothing."""
        return bool(json.loads(gzip.decompress(self.body))["events"])

    def header(self, name: str) -> str:
        """Return the value of a header."""
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]+)", self.head, re.IGNORECASE)
        assert found is not None, f"no header {name}"
        return found.group(1).decode()


class Wire:
    """Forwards connections to a port of this machine, in a thread of its own."""

    def __init__(self, target: int) -> None:
        """Choose a free port; `start` listens."""
        (self._port,) = find_free_ports(1)
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="wire", daemon=True)
        self._listening = threading.Event()
        self._stopped = asyncio.Event()
        self._planned: list[Cut] = []
        self.batches: list[SentBatch] = []
        self.cuts: Counter[Cut] = Counter()
        # Of web's answers, by status.
        self.answers: Counter[int] = Counter()

    @property
    def url(self) -> str:
        """Where to connect."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        assert self._listening.wait(_START_TIMEOUT_S), "the wire does not listen"

    def stop(self) -> None:
        """Hang up."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def cut_next(self, cut: Cut) -> None:
        """Cut the connection of the next batch."""
        self._planned.append(cut)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        server = await asyncio.start_server(
            self._connect, LOOPBACK, self._port, limit=_MAX_HEAD_BYTES
        )
        self._listening.set()
        await self._stopped.wait()
        # Not waited for: the runner cancels the tasks of connections that are open.
        server.close()

    async def _connect(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            web, to_web = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            back.transport.abort()
            return
        connection = _Connection(self, client, back, web, to_web)
        await connection.run()

    def note_batch(self, batch: SentBatch) -> Cut | None:
        """Remember a batch; return how its connection is to be cut."""
        self.batches.append(batch)
        return self._planned.pop(0) if self._planned else None


class _Connection:
    """One connection in both directions."""

    def __init__(
        self,
        wire: Wire,
        client: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        web: asyncio.StreamReader,
        to_web: asyncio.StreamWriter,
    ) -> None:
        self._wire = wire
        self._client, self._back = client, back
        self._web, self._to_web = web, to_web
        self._swallows_answer = False

    async def run(self) -> None:
        """Forward until either side ends, or the wire is cut."""
        directions = {
            asyncio.ensure_future(self._forward()),
            asyncio.ensure_future(self._return()),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            self._back.transport.abort()
            self._to_web.transport.abort()

    async def _forward(self) -> None:
        """Read request by request, so that each batch is seen whole before it goes on."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await self._client.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await self._client.readexactly(int(length.group(1))) if length else b""
                cut = self._cut_of(head, body)
                if cut is Cut.REQUEST:
                    self._to_web.write((head + body)[: len(head) + len(body) // 2])
                    await self._to_web.drain()
                    self._wire.cuts[cut] += 1
                    return
                self._swallows_answer = cut is Cut.ANSWER
                self._to_web.write(head + body)
                await self._to_web.drain()

    def _cut_of(self, head: bytes, body: bytes) -> Cut | None:
        if not head.startswith(_INTAKE):
            return None
        return self._wire.note_batch(SentBatch(head, body))

    async def _return(self) -> None:
        with suppress(OSError):
            while data := await self._web.read(64 * 1024):
                if data.startswith(b"HTTP/1.1 "):
                    self._wire.answers[int(data[9:12])] += 1
                if self._swallows_answer:
                    self._wire.cuts[Cut.ANSWER] += 1
                    return
                self._back.write(data)
                await self._back.drain()

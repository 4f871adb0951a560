"""The decision path's connection to Valkey: every command of one event-loop tick leaves in one write, and calls of one key
in one command.

A general client spends more on one command than the store does; this one encodes nothing and keeps no
state but the order of what it waits for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

import hiredis

from apps.gateway.authorizer.histogram import Histogram
from apps.gateway.authorizer.resp import command
from apps.gateway.authorizer.taking import Takes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from urllib.parse import SplitResult

    from apps.gateway.authorizer.taking import Asked, TakeForm

    # Gets the answer, or a StoreUnavailableError. It must not raise.
    Done = Callable[[Any], None]

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S: Final = 0.5
CONNECT_TIMEOUT_S: Final = 1.0
RECONNECT_S: Final = 0.1


class StoreUnavailableError(Exception):
    """Valkey did not answer; whether it carried the command out is unknown."""


class _Connection(asyncio.Protocol):
    """One connection: answers come in the order of the commands."""

    transport: asyncio.Transport

    def __init__(self, latency: Histogram) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        # Of each write: when it left, how many of its commands wait, and how many calls it is about. A clock is read per
        # tick, not per command.
        self._sent: deque[tuple[float, int, int]] = deque()
        self._latency = latency
        self._reader = hiredis.Reader()
        self._waiting: deque[Done] = deque()
        self._oldest_sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        waiting, self._waiting = self._waiting, deque()
        _fail(waiting, "connection lost")
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        answered = 0
        while (reply := self._reader.gets()) is not False:
            done = self._waiting.popleft()
            answered += 1
            done(
                StoreUnavailableError(str(reply))
                if isinstance(reply, hiredis.ReplyError)
                else reply
            )
        self._oldest_sent_at = asyncio.get_running_loop().time()
        self._observe(answered)

    def send(self, data: bytes, waiting: list[Done], calls: int = 0) -> None:
        """Write commands about so many calls; each of `waiting` gets the answer of one command."""
        if self.closed.done():
            # It was lost in this very tick: nothing will come any more, and nobody else tells them.
            _fail(waiting, "connection lost")
            return
        if not self._waiting:
            self._oldest_sent_at = asyncio.get_running_loop().time()
        self._waiting.extend(waiting)
        self._sent.append((time.perf_counter(), len(waiting), calls))
        self.transport.write(data)

    def _observe(self, answered: int) -> None:
        now = time.perf_counter()
        while answered:
            sent_at, count, calls = self._sent.popleft()
            if count > answered:
                self._sent.appendleft((sent_at, count - answered, calls))
                return
            if calls:
                self._latency.observe(now - sent_at, calls)
            answered -= count

    def is_overdue(self, now: float) -> bool:
        """Tell whether commands wait and nothing has come for the time that an answer may take."""
        return bool(self._waiting) and now - self._oldest_sent_at > ANSWER_TIMEOUT_S

    def abort(self) -> None:
        """Close at once; what waits fails."""
        self.transport.abort()


class StoreClient:
    """Sends encoded commands to Valkey; reconnects by itself."""

    def __init__(self, url: str) -> None:
        """Prepare for a `redis://`, `rediss://` or `unix://` URL; `run` connects."""
        self._url = urlsplit(url)
        self._connection: _Connection | None = None
        # How long the counters take to answer: nearly all of the time that a decision takes.
        self.latency = Histogram()
        self._buffer: list[bytes] = []
        self._buffered: list[Done] = []
        self._takes: Takes | None = None
        self._is_flushing = False

    def take(self, form: TakeForm, call: Asked) -> None:
        """Take a call's limits, with the other calls of its key in this tick."""
        if self._connection is None:
            call.done(StoreUnavailableError("not connected"))
            return
        if self._takes is None:
            self._takes = Takes()
            self._flush_soon()
        self._takes.add(form, call)

    def call(self, encoded: bytes, done: Done) -> None:
        """Send a command with the others of this tick; `done` gets its answer."""
        if self._connection is None:
            done(StoreUnavailableError("not connected"))
            return
        self._flush_soon()
        self._buffer.append(encoded)
        self._buffered.append(done)

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        while True:
            try:
                connection = await self._connect()
            except (OSError, TimeoutError, StoreUnavailableError) as error:
                logger.warning("store: cannot connect: %s", error)
            else:
                await self._watch(connection)
            await asyncio.sleep(RECONNECT_S)

    async def _watch(self, connection: _Connection) -> None:
        """Serve one connection until it ends or an answer is overdue."""
        loop = asyncio.get_running_loop()
        self._connection = connection
        try:
            while not connection.closed.done():
                await asyncio.wait([connection.closed], timeout=ANSWER_TIMEOUT_S / 4)
                if connection.is_overdue(loop.time()):
                    logger.warning("store: no answer in %s s, connecting anew", ANSWER_TIMEOUT_S)
                    break
        finally:
            self._connection = None
            self._flush()
            connection.abort()

    async def _connect(self) -> _Connection:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            connection = await _open(self._url, partial(_Connection, self.latency))
            try:
                await _greet(connection, self._url)
            except BaseException:
                connection.abort()
                raise
        return connection

    def _flush_soon(self) -> None:
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        buffer, waiting, takes = self._buffer, self._buffered, self._takes
        self._buffer, self._buffered, self._takes = [], [], None
        calls = 0
        for encoded, done, count in takes.commands() if takes else ():
            buffer.append(encoded)
            waiting.append(done)
            calls += count
        if not buffer:
            return
        if self._connection is None:
            _fail(waiting, "connection lost")
        else:
            self._connection.send(b"".join(buffer), waiting, calls)


def _fail(waiting: Iterable[Done], reason: str) -> None:
    for done in waiting:
        done(StoreUnavailableError(reason))


async def _open(url: SplitResult, make: Callable[[], _Connection]) -> _Connection:
    loop = asyncio.get_running_loop()
    if url.scheme == "unix":
        _, connection = await loop.create_unix_connection(make, url.path)
        return connection
    encrypted = True if url.scheme == "rediss" else None
    _, connection = await loop.create_connection(
        make, url.hostname or "127.0.0.1", url.port or 6379, ssl=encrypted
    )
    return connection


async def _greet(connection: _Connection, url: SplitResult) -> None:
    """Authenticate and select the database, as the URL says."""
    commands: list[bytes] = []
    if url.password:
        user = (unquote(url.username),) if url.username else ()
        commands.append(command("AUTH", *user, unquote(url.password)))
    database = url.path.strip("/") if url.scheme != "unix" else ""
    if database:
        commands.append(command("SELECT", database))
    commands.append(command("PING"))
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[Any]] = [loop.create_future() for _ in commands]
    connection.send(b"".join(commands), [partial(_settle, future) for future in futures])
    await asyncio.gather(*futures)


def _settle(future: asyncio.Future[Any], reply: Any) -> None:
    if future.done():
        return
    if isinstance(reply, StoreUnavailableError):
        future.set_exception(reply)
    else:
        future.set_result(reply)

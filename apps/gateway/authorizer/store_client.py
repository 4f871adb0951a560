"""The decision path's connection to Valkey: every command of one event-loop tick leaves in one write.

A general client spends more on one command than the store does; this one encodes nothing and keeps no
state but the order of what it waits for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

import hiredis

from apps.gateway.authorizer.resp import command

if TYPE_CHECKING:
    from urllib.parse import SplitResult

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S: Final = 0.5
CONNECT_TIMEOUT_S: Final = 1.0
RECONNECT_S: Final = 0.1


class StoreUnavailableError(Exception):
    """Valkey did not answer; whether it carried the command out is unknown."""


class _Connection(asyncio.Protocol):
    """One connection: answers come in the order of the commands."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._oldest_sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(StoreUnavailableError("connection lost"))
        self._waiting.clear()
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            future = self._waiting.popleft()
            if future.done():
                continue
            if isinstance(reply, hiredis.ReplyError):
                future.set_exception(StoreUnavailableError(str(reply)))
            else:
                future.set_result(reply)
        self._oldest_sent_at = asyncio.get_running_loop().time()

    def send(self, data: bytes, futures: list[asyncio.Future[Any]]) -> None:
        """Write commands; their futures end with the answers."""
        if not self._waiting:
            self._oldest_sent_at = asyncio.get_running_loop().time()
        self._waiting.extend(futures)
        self.transport.write(data)

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
        self._buffer: list[bytes] = []
        self._futures: list[asyncio.Future[Any]] = []

    def call(self, encoded: bytes) -> asyncio.Future[Any]:
        """Send a command with the others of this tick. The future fails with StoreUnavailableError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if self._connection is None:
            future.set_exception(StoreUnavailableError("not connected"))
            return future
        if not self._buffer:
            loop.call_soon(self._flush)
        self._buffer.append(encoded)
        self._futures.append(future)
        return future

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
            connection = await _open(self._url)
            try:
                await _greet(connection, self._url)
            except BaseException:
                connection.abort()
                raise
        return connection

    def _flush(self) -> None:
        buffer, futures = self._buffer, self._futures
        if not buffer:
            return
        self._buffer, self._futures = [], []
        if self._connection is None:
            for future in futures:
                if not future.done():
                    future.set_exception(StoreUnavailableError("connection lost"))
            return
        self._connection.send(b"".join(buffer), futures)


async def _open(url: SplitResult) -> _Connection:
    loop = asyncio.get_running_loop()
    if url.scheme == "unix":
        _, connection = await loop.create_unix_connection(_Connection, url.path)
        return connection
    encrypted = True if url.scheme == "rediss" else None
    _, connection = await loop.create_connection(
        _Connection, url.hostname or "127.0.0.1", url.port or 6379, ssl=encrypted
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
    connection.send(b"".join(commands), futures)
    await asyncio.gather(*futures)

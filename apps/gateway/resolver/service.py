"""Listens for DNS questions over UDP and TCP, on an address that only this machine's gateway reaches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections import Counter
from typing import TYPE_CHECKING, Final, cast

from apps.gateway.environment import SettingError
from apps.gateway.resolver.answers import Answers
from apps.gateway.resolver.lookups import NameServers
from apps.gateway.resolver.names import Names

if TYPE_CHECKING:
    from apps.gateway.resolver.config import ResolverSettings

logger = logging.getLogger(__name__)

MAX_DATAGRAMS: Final = 2_048
MAX_CONNECTIONS: Final = 64
IDLE_S: Final = 10.0
MAX_QUESTION_BYTES: Final = 4_096


async def serve(settings: ResolverSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises: OSError when the address is taken; SettingError without any name server to ask.
    """
    counts: Counter[str] = Counter(answered=0)
    servers = NameServers(settings.upstreams, settings.bind)
    if not servers.current():
        raise SettingError("No name server to ask. Set GATEWAY_RESOLVER_UPSTREAMS.")
    names = Names(servers, settings.trust, counts)
    answers = Answers(names, counts)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    streams = Streams(answers, counts)
    listener = await asyncio.start_server(streams.serve, *settings.bind)
    transport, datagrams = await loop.create_datagram_endpoint(
        lambda: Datagrams(answers, counts), local_addr=settings.bind
    )
    logger.info("resolver listens on %s", settings.bind.text)
    try:
        await stopped.wait()
    finally:
        transport.close()
        listener.close()
        await streams.close()
        await datagrams.close()
        await names.close()


class Datagrams(asyncio.DatagramProtocol):
    """Questions over UDP, each a task of its own; too many at once are dropped, and asked again."""

    def __init__(self, answers: Answers, counts: Counter[str]) -> None:
        """Count what was dropped as `dropped`."""
        self._answers = answers
        self._counts = counts
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Begin to answer."""
        if len(self._tasks) >= MAX_DATAGRAMS or len(data) > MAX_QUESTION_BYTES:
            self._counts["dropped"] += 1
            return
        task = asyncio.create_task(self._respond(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop what is being answered."""
        await _cancel(self._tasks)

    async def _respond(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            response = await self._answers.respond(data, is_datagram=True)
        except Exception:  # one question must not take the listener with it
            logger.exception("resolver: failed to answer")
            self._counts["errors"] += 1
            return
        if response is not None and self._transport is not None:
            self._transport.sendto(response, addr)


class Streams:
    """Questions over TCP: after each two bytes of length; one connection, one question at a time."""

    def __init__(self, answers: Answers, counts: Counter[str]) -> None:
        """Count connections that were turned away as `dropped`."""
        self._answers = answers
        self._counts = counts
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the other side is done, idle for long, or talks nonsense."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        if len(self._tasks) >= MAX_CONNECTIONS:
            self._counts["dropped"] += 1
            writer.close()
            return
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                while await self._answer_one(reader, writer):
                    pass
        except Exception:  # one question must not take the listener with it
            logger.exception("resolver: failed to answer")
            self._counts["errors"] += 1
        finally:
            self._tasks.discard(task)
            writer.close()

    async def close(self) -> None:
        """Hang up."""
        await _cancel(self._tasks)

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(IDLE_S):
            length = int.from_bytes(await reader.readexactly(2), "big")
            if length > MAX_QUESTION_BYTES:
                return False
            question = await reader.readexactly(length)
        response = await self._answers.respond(question, is_datagram=False)
        if response is None:
            return False
        async with asyncio.timeout(IDLE_S):
            writer.write(len(response).to_bytes(2, "big") + response)
            await writer.drain()
        return True


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

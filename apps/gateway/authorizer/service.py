"""Starts and stops one authorizer: server, store connection, follower and journal in one event loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from apps.gateway.authorizer.app import ALLOWED, Authorizer
from apps.gateway.authorizer.feed import ChangeFeed
from apps.gateway.authorizer.follower import RegistryFollower
from apps.gateway.authorizer.journal import JournalWriter
from apps.gateway.authorizer.store_client import StoreClient

if TYPE_CHECKING:
    from apps.gateway.authorizer.config import AuthorizerSettings, Bind

logger = logging.getLogger(__name__)

BACKLOG: Final = 1024
# Far above what one loop handles at once; the proxy's pool is the real bound.
BACKPRESSURE: Final = 4096
# A decision makes a few hundred objects and no cycles; the default of 700 would collect several times in
# every event-loop tick.
YOUNG_OBJECTS: Final = 50_000
STOP_TIMEOUT_S: Final = 3.0
MAX_HEADER_BYTES: Final = 64 * 1024


async def serve(settings: AuthorizerSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises: OSError when the journal's folder cannot be written.
    """
    gc.set_threshold(YOUNG_OBJECTS)
    decisions: Counter[str] = Counter()
    feed = (
        ChangeFeed(settings.web_url, settings.secret, settings.node) if settings.web_url else None
    )
    follower = RegistryFollower(settings.store_url, feed, settings.node, lambda: decisions[ALLOWED])
    store = StoreClient(settings.store_url)
    journal = JournalWriter(settings.journal_dir, settings.node, min_free_mb=settings.min_free_mb)
    app = Authorizer(settings, follower=follower, store=store, journal=journal, decisions=decisions)
    server = _server(app, settings.bind)
    stopped = _stop_signal()
    server_task = asyncio.create_task(server.serve(), name="server")
    parts = [
        asyncio.create_task(part, name=name)
        for name, part in (
            ("follower", follower.run()),
            ("store", store.run()),
            ("journal", journal.watch()),
            ("signal", stopped.wait()),
        )
    ]
    logger.info("authorizer %s listens on %s", settings.node, settings.bind.text)
    try:
        await asyncio.wait([server_task, *parts], return_when=asyncio.FIRST_COMPLETED)
        _raise_failure([server_task, *parts])
    finally:
        server.stop()
        await asyncio.wait([server_task], timeout=STOP_TIMEOUT_S)
        for task in parts:
            task.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        await follower.close()
        journal.close()


def _server(app: Authorizer, bind: Bind) -> Any:
    if bind.socket_path is not None:
        bind.socket_path.unlink(missing_ok=True)
    server = Server(
        app,
        address=bind.host,
        port=bind.port,
        uds=bind.socket_path,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=MAX_HEADER_BYTES),
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        log_enabled=False,
    )
    # Granian's own types stop here. The proxy may run as another user of the same group.
    server.uds_permissions = 0o660
    return server


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _raise_failure(tasks: list[asyncio.Task[object]]) -> None:
    """Let the process end with the error of a part that failed, instead of serving without it."""
    for task in tasks:
        if task.done() and not task.cancelled():
            error = task.exception()
            if error is not None:
                raise error

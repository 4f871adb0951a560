"""Starts and stops one authorizer: server, store connection, follower and journal in one event loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Final

from apps.gateway.authorizer.app import Authorizer
from apps.gateway.authorizer.feed import ChangeFeed
from apps.gateway.authorizer.follower import RegistryFollower
from apps.gateway.authorizer.http import Connection
from apps.gateway.authorizer.journal import JournalWriter
from apps.gateway.authorizer.replies import ALLOWED
from apps.gateway.authorizer.store_client import StoreClient
from apps.gateway.authorizer.tenants import tenant_counts
from apps.gateway.authorizer.upstream_guard import UpstreamGuard
from apps.gateway.resolver.client import ResolverClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apps.gateway.authorizer.config import AuthorizerSettings, Bind

logger = logging.getLogger(__name__)

BACKLOG: Final = 1024
# A decision makes a few hundred objects and no cycles; the default of 700 would collect several times in
# every event-loop tick.
YOUNG_OBJECTS: Final = 50_000
STOP_TIMEOUT_S: Final = 3.0
STOP_POLL_S: Final = 0.02
CANCEL_AGAIN_S: Final = 0.5
# The proxy may run as another user of the same group.
SOCKET_MODE: Final = 0o660


async def serve(settings: AuthorizerSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises: OSError when the journal's folder cannot be written.
    """
    gc.set_threshold(YOUNG_OBJECTS)
    decisions: Counter[str] = Counter()
    feed = (
        ChangeFeed(settings.web_url, settings.secret, settings.node) if settings.web_url else None
    )
    upstreams = UpstreamGuard(ResolverClient(settings.resolver), settings.trust)
    follower = RegistryFollower(settings.store_url, feed, settings.node, lambda: decisions[ALLOWED])
    follower.upstreams = upstreams
    follower.pepper_numbers = settings.pepper_numbers
    follower.note_secret = settings.secret.encode()
    store = StoreClient(settings.store_url)
    journal = JournalWriter(settings.journal_dir, settings.node, min_free_mb=settings.min_free_mb)
    app = Authorizer(
        settings,
        follower=follower,
        store=store,
        journal=journal,
        decisions=decisions,
        upstreams=upstreams,
    )
    connections: set[Connection] = set()
    servers = await _listen_everywhere(app, settings, connections)
    stopped = _stop_signal()
    parts = [
        asyncio.create_task(part, name=name)
        for name, part in (
            ("follower", follower.run()),
            ("store", store.run()),
            ("upstreams", upstreams.run(lambda: follower.tables.routes)),
            ("journal", journal.watch()),
            ("api limits", app.api_limits.watch()),
            ("tenants", tenant_counts.watch(lambda: follower.tables)),
            ("signal", stopped.wait()),
        )
    ]
    logger.info("authorizer %s listens on %s", settings.node, settings.bind.text)
    try:
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        _raise_failure(parts)
    finally:
        for server in servers:
            server.close()
        await _close(connections)
        await end_all(parts)
        await follower.close()
        journal.close()


async def _listen_everywhere(
    app: Authorizer, settings: AuthorizerSettings, connections: set[Connection]
) -> list[asyncio.Server]:
    """Open the listener, and the one for Caddy's question about domains where there is one."""
    binds = (settings.bind, settings.ask_bind)
    return [await _listen(app, bind, connections) for bind in binds if bind is not None]


async def _listen(app: Authorizer, bind: Bind, connections: set[Connection]) -> asyncio.Server:
    """Open the listener. Its connections are put into `connections` while they are open."""
    loop = asyncio.get_running_loop()

    def connect() -> Connection:
        return Connection(app.handle, connections)

    if bind.socket_path is None:
        # Several authorizers of one machine and user may share the port; the kernel spreads connections.
        return await loop.create_server(
            connect, bind.host, bind.port, backlog=BACKLOG, reuse_port=True
        )
    bind.socket_path.unlink(missing_ok=True)
    # Nobody may connect before the mode is right.
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        return await loop.create_unix_server(connect, str(bind.socket_path), backlog=BACKLOG)
    finally:
        os.umask(before)


async def _close(connections: set[Connection]) -> None:
    """Let calls that are being decided have their answers; close the rest at once."""
    for connection in list(connections):
        connection.close()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + STOP_TIMEOUT_S
    while connections and loop.time() < deadline:  # noqa: ASYNC110 -- at the end, once
        await asyncio.sleep(STOP_POLL_S)


async def end_all(tasks: Iterable[asyncio.Task[object]]) -> None:
    """Cancel tasks until they have ended.

    Once is not always enough: a task whose connection fails in the same tick sees that error instead, and a loop that
    takes it for a reason to connect anew would keep the process alive for good.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=CANCEL_AGAIN_S)


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _raise_failure(tasks: Sequence[asyncio.Task[object]]) -> None:
    """Let the process end with the error of a part that failed, instead of serving without it."""
    for task in tasks:
        if task.done() and not task.cancelled():
            error = task.exception()
            if error is not None:
                raise error

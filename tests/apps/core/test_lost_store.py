"""After a restart of Valkey nothing fails because of a connection that had died before."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery import current_app
from django.core.cache import cache, caches
from kombu import Queue
from redis import Redis

from apps.gateway.valkey import get_client

QUEUE = "lost-store"


def own_connections(port: int) -> Iterator[str]:
    """Yield the near ends of this process's connections to a port, as the server names them.

    Others use the same server at the same time: their connections are left alone.
    """
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        try:
            with socket.socket(fileno=os.dup(int(descriptor.name))) as end:
                if end.getpeername()[1:2] == (port,):
                    host, own_port = end.getsockname()[:2]
                    yield f"{host}:{own_port}"
        except OSError:
            continue  # a file, or closed meanwhile


def end_connections(settings: object) -> int:
    """End every connection of this process at the server; return how many there were."""
    url: str = settings.REDIS_URL  # type: ignore[attr-defined]
    addresses = list(own_connections(urlsplit(url).port or 6379))
    server = Redis.from_url(url)
    try:
        return sum(
            int(server.execute_command("CLIENT", "KILL", "ADDR", address)) for address in addresses
        )
    finally:
        server.close()


def ask_gateway_store() -> None:
    assert get_client().ping()


def ask_cache() -> None:
    cache.set("lost-store", "kept")
    assert cache.get("lost-store") == "kept"


def ask_sessions() -> None:
    caches["sessions"].set("lost-store", "kept")
    assert caches["sessions"].get("lost-store") == "kept"


def publish() -> None:
    """Send a task as web does, from the pool of producers, and take it out of its queue again."""
    current_app.send_task("core.nobody_runs_this", queue=QUEUE)
    with current_app.connection_for_write() as broker, broker.channel() as channel:
        queue = Queue(QUEUE, channel=channel)
        assert queue.purge() == 1


@pytest.mark.parametrize("ask", [ask_gateway_store, ask_cache, ask_sessions, publish])
def test_client_connects_anew_by_itself(ask: Callable[[], None], settings: object) -> None:
    ask()

    assert end_connections(settings) >= 1

    ask()

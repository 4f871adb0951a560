"""After a restart of Valkey nothing fails because of a connection that had died before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from celery import current_app
from django.core.cache import cache, caches
from kombu import Queue
from redis import Redis

from apps.gateway.valkey import get_client

QUEUE = "lost-store"


def end_connections(settings: object) -> int:
    """End every other connection at the server; return how many there were."""
    server = Redis.from_url(settings.REDIS_URL)  # type: ignore[attr-defined]
    try:
        return int(server.execute_command("CLIENT", "KILL", "SKIPME", "yes"))
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

"""The web application's and the relay's way to the gateway's Valkey."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.gateway.store.counters import CounterStore
from apps.gateway.store.registry import RegistryWriter

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 5.0


@cache
def get_client() -> Redis:
    """Return this process's client; a failed call is not repeated, its caller decides."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def get_writer() -> RegistryWriter:
    """Return the writer of the registry; only the leading relay may write with it."""
    return RegistryWriter(get_client())


def get_counters() -> CounterStore:
    """Return the quota counters."""
    return CounterStore(get_client())

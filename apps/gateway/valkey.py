"""The Django half's connection to Valkey."""

from __future__ import annotations

from functools import lru_cache

import redis
from django.conf import settings


@lru_cache(maxsize=1)
def get_client() -> redis.Redis:
    """Return the process's client; it reconnects by itself, and waits at most two seconds."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2, health_check_interval=30
    )

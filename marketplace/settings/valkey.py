"""Valkey or Redis: the cache, and sessions' fast side."""

from __future__ import annotations

from marketplace.settings.env import env_text

REDIS_URL = env_text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 2},
    }
}
# Sessions are in PostgreSQL too: without Valkey they are read from there, and nobody is signed out.
CACHES["sessions"] = {
    **CACHES["default"],
    "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 2, "IGNORE_EXCEPTIONS": True},
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = "sessions"

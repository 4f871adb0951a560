"""Takes turns in Valkey, and says what holds while Valkey is away.

The first failure is logged and counted; Valkey is asked again a second later, so no process needs a restart when it
comes back. What holds meanwhile is the setting `API_RATE_LIMIT_FALLBACK`: `memory` counts in this process, `open` lets
calls pass uncounted.
"""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import Any, Final

import structlog
from django.conf import settings
from prometheus_client import Counter
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from apps.core.limiter.library import limiter_library
from apps.core.limiter.memory import MemoryCounter
from apps.core.limiter.policies import Policy
from apps.core.limiter.windows import Counted, Verdict

logger = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S: Final = 0.2
ANSWER_TIMEOUT_S: Final = 0.5
ASK_AGAIN_S: Final = 1.0
FUNCTION: Final = "tgl1_take"

uncounted: Final = Counter(
    "tollgate_api_rate_limit_fallback",
    "Calls of the platform's API that were limited without Valkey, by what held instead.",
    ["fallback"],
)


class Limiter:
    """The counters of one Valkey, with this process's memory beside them."""

    def __init__(self, url: str) -> None:
        """Count at a `redis://`, `rediss://` or `unix://` URL; it is connected to on first use."""
        self._client = Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._memory = MemoryCounter()
        self._lock = threading.Lock()
        self._away_until: float | None = None

    def take(self, subject: str, policy: Policy) -> Verdict:
        """Take one turn of a subject; every window of the policy or none."""
        if self._is_away():
            return self._without_store(subject, policy)
        try:
            counted = self._count(subject, policy)
        except (RedisError, OSError) as error:
            self._note_away(error)
            return self._without_store(subject, policy)
        self._note_back()
        return counted.verdict(policy.windows)

    def _count(self, subject: str, policy: Policy) -> Counted:
        key = f"api:{{{subject}}}:{policy.route}"
        arguments: list[Any] = []
        for window in policy.windows:
            arguments += [window.max, window.seconds * 1000]
        try:
            answer: Any = self._client.fcall(FUNCTION, 1, key, *arguments)
        except ResponseError as error:
            if "function not found" not in str(error).lower():
                raise
            self._client.function_load(limiter_library(), replace=True)
            answer = self._client.fcall(FUNCTION, 1, key, *arguments)
        taken, wait_ms, tightest, left, reset_ms = answer
        return Counted(bool(taken), wait_ms, tightest - 1, left, reset_ms)

    def _without_store(self, subject: str, policy: Policy) -> Verdict:
        fallback = settings.API_RATE_LIMIT_FALLBACK
        uncounted.labels(fallback=fallback).inc()
        if fallback == "memory":
            counted = self._memory.take(f"{subject}:{policy.route}", policy.windows)
            return counted.verdict(policy.windows)
        return Verdict(True, policy.windows, policy.windows[-1], None, 0)  # noqa: FBT003 -- it may pass

    def _is_away(self) -> bool:
        away_until = self._away_until
        return away_until is not None and time.monotonic() < away_until

    def _note_away(self, error: Exception) -> None:
        with self._lock:
            is_news = self._away_until is None
            self._away_until = time.monotonic() + ASK_AGAIN_S
        if is_news:
            logger.warning(
                "rate_limit.store_away",
                fallback=settings.API_RATE_LIMIT_FALLBACK,
                error=type(error).__name__,
            )

    def _note_back(self) -> None:
        if self._away_until is None:
            return
        with self._lock:
            was_away, self._away_until = self._away_until is not None, None
        if was_away:
            self._memory.clear()
            logger.info("rate_limit.store_back")


@lru_cache(maxsize=4)
def limiter_at(url: str) -> Limiter:
    """Return this process's limiter of one Valkey."""
    return Limiter(url)

"""Whether everything that the product needs is there: heartbeats of processes, checks of dependencies.

Processes call `beat` in their loops. `/api/health` runs the registered checks; an app adds one for what only it
knows with `@health_check("stripe")`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import psycopg
import structlog
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django_redis import get_redis_connection
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from apps.core import clock
from apps.core.models import ProcessHeartbeat

logger = structlog.get_logger(__name__)

BEAT_INTERVAL_S: Final = 2.0
STALE_AFTER: Final = timedelta(seconds=15)
CONNECT_TIMEOUT_S: Final = 2
PROCESSES: Final = ("worker", "beat", "relay", "usage-processor")

Status = Literal["ok", "degraded", "down"]
STARTED_AT: Final = time.monotonic()

_last_beat: dict[str, float] = {}


def beat(name: str, **details: Any) -> None:
    """Note that the process is alive; at most one write every two seconds."""
    now = time.monotonic()
    if not details and now - _last_beat.get(name, -BEAT_INTERVAL_S) < BEAT_INTERVAL_S:
        return
    _last_beat[name] = now
    ProcessHeartbeat.objects.update_or_create(
        name=name, defaults={"seen_at": clock.now(), "details": details}
    )


def last_seen(prefix: str) -> datetime | None:
    """Return when any process of that kind (`relay`, `relay:2` …) was last alive."""
    return (
        ProcessHeartbeat.objects.filter(name__startswith=prefix)
        .order_by("-seen_at")
        .values_list("seen_at", flat=True)
        .first()
    )


def is_alive(prefix: str) -> bool:
    """Whether a process of that kind was seen within the last 15 seconds."""
    seen_at = last_seen(prefix)
    return seen_at is not None and clock.now() - seen_at < STALE_AFTER


@dataclass(frozen=True, slots=True)
class Component:
    """One thing the product needs, as found just now."""

    status: Status
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the component as `/api/health` shows it."""
        return {"status": self.status, **self.details}


@dataclass(frozen=True, slots=True)
class Health:
    """The whole: down without its stores, degraded without any other part."""

    components: dict[str, Component]

    @property
    def status(self) -> Status:
        """The worst that its parts mean for the whole."""
        if any(self.components[name].status == "down" for name in CRITICAL):
            return "down"
        is_whole = all(part.status == "ok" for part in self.components.values())
        return "ok" if is_whole else "degraded"


CRITICAL: Final = ("database", "cache")
Check = Callable[[], Component]
_checks: dict[str, Check] = {}


def health_check(name: str) -> Callable[[Check], Check]:
    """Register a check that needs the database; it is skipped while the database is away."""

    def register(check: Check) -> Check:
        _checks[name] = check
        return check

    return register


def check_stores() -> Health:
    """Check what no request can be served without: the database and the cache."""
    return Health({"database": _database(), "cache": _cache()})


def check_everything() -> Health:
    """Check every dependency and process; takes seconds only while one hangs."""
    components = dict(check_stores().components)
    components["queue"] = _queue()
    if components["database"].status == "ok":
        components.update(_processes(PROCESSES))
        components.update({name: check() for name, check in _checks.items()})
    else:
        unknown = Component("down", {"reason": "not known without the database"})
        components.update(dict.fromkeys((*PROCESSES, *_checks), unknown))
    return Health(components)


def _database() -> Component:
    """Connect past the pool, which would wait for seconds while the server is away."""
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name in {"host", "port", "dbname", "user", "password"}
    }
    started = time.monotonic()
    try:
        with psycopg.connect(connect_timeout=CONNECT_TIMEOUT_S, **parameters) as direct:
            direct.execute("SELECT 1")
    except (psycopg.Error, DatabaseError) as error:
        logger.warning("health.database_down", error=str(error))
        return Component("down", {"reason": type(error).__name__})
    return Component("ok", {"latency_ms": _ms_since(started)})


def _cache() -> Component:
    started = time.monotonic()
    try:
        get_redis_connection("default").ping()
    except (RedisError, OSError) as error:
        logger.warning("health.cache_down", error=str(error))
        return Component("down", {"reason": type(error).__name__})
    return Component("ok", {"latency_ms": _ms_since(started)})


def _queue() -> Component:
    started = time.monotonic()
    try:
        with current_app.connection_for_read(connect_timeout=CONNECT_TIMEOUT_S) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT_S)
            waiting = {name: _queue_length(broker, name) for name in settings.JOB_QUEUES}
    except (BrokerError, RedisError, OSError) as error:
        logger.warning("health.queue_down", error=str(error))
        return Component("down", {"reason": type(error).__name__})
    return Component("ok", {"latency_ms": _ms_since(started), "waiting": waiting})


def queue_lengths() -> dict[str, int]:
    """Return how many jobs wait at the broker by queue; empty while the broker is away."""
    try:
        with current_app.connection_for_read(connect_timeout=CONNECT_TIMEOUT_S) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT_S)
            return {name: _queue_length(broker, name) for name in settings.JOB_QUEUES}
    except (BrokerError, RedisError, OSError) as error:
        logger.warning("health.queue_down", error=str(error))
        return {}


def _queue_length(broker: Any, name: str) -> int:
    """Return how many messages wait; a queue that nobody declared yet is empty."""
    channel = broker.channel()
    try:
        return int(channel.queue_declare(name, passive=True).message_count)
    except broker.channel_errors:
        return 0
    finally:
        channel.close()


def _processes(names: Iterable[str]) -> dict[str, Component]:
    return {name: _process(name) for name in names}


def _process(name: str) -> Component:
    seen_at = last_seen(name)
    if seen_at is None:
        return Component("down", {"last_seen_at": None})
    is_fresh = clock.now() - seen_at < STALE_AFTER
    return Component("ok" if is_fresh else "down", {"last_seen_at": seen_at.isoformat()})


def _ms_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)

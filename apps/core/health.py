"""Heartbeats of the long-running processes."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Final

from apps.core import clock
from apps.core.models import ProcessHeartbeat

BEAT_INTERVAL_S: Final = 2.0
STALE_AFTER: Final = timedelta(seconds=15)

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

"""What every Celery worker does beside its tasks: it beats its heart."""

from __future__ import annotations

from typing import Any, Final

import structlog
from celery import bootsteps
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apps.core.health import beat

logger = structlog.get_logger(__name__)

INTERVAL_S: Final = 4.0


class HeartbeatStep(bootsteps.StartStopStep):
    """Writes a heartbeat from the worker's own loop, so that a worker that hangs is seen as down."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Keep no timer yet."""
        super().__init__(parent, **options)
        self._timer_entry: Any = None

    def start(self, parent: Any) -> None:
        """Begin to beat."""
        _beat_once()
        self._timer_entry = parent.timer.call_repeatedly(INTERVAL_S, _beat_once)

    def stop(self, _parent: Any) -> None:
        """Beat no more."""
        if self._timer_entry is not None:
            self._timer_entry.cancel()


def _beat_once() -> None:
    try:
        beat(f"worker:{settings.NODE_NAME}")
    except (DatabaseError, InterfaceError):
        logger.warning("worker.heartbeat_failed", exc_info=True)
    finally:
        connection.close()

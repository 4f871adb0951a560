"""The scheduler process: django-celery-beat's, with a heartbeat at every tick."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django_celery_beat.schedulers import DatabaseScheduler

from apps.core.health import beat
from apps.core.startup import require_ready

logger = structlog.get_logger(__name__)


class HeartbeatScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package has no types
    """Reads the schedule from the database; a scheduler that stopped ticking is seen as down."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Refuse to start where it cannot work: before the schedule is read, which needs the database."""
        require_ready()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; return the seconds until the next tick (at most five)."""
        try:
            beat(f"beat:{settings.NODE_NAME}")
        except (DatabaseError, InterfaceError):
            logger.warning("beat.heartbeat_failed", exc_info=True)
        delay: float = super().tick(*args, **kwargs)
        return delay

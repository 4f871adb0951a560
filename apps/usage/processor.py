"""The usage processor: a process that works off the inbox until told to stop. Several may run."""

from __future__ import annotations

import gc
import time
from typing import Final

import structlog
from django.db import close_old_connections, connection

from apps.core.db import CONNECTION_LOST, end_session, wait_for_notification
from apps.core.health import beat
from apps.usage.constants import INBOX_CHANNEL
from apps.usage.processing import process_next_batch

logger = structlog.get_logger(__name__)

IDLE_WAIT_S: Final = 1.0


class UsageProcessor:
    """Waits for batches and processes them, one transaction each."""

    def __init__(self, *, name: str) -> None:
        """Name the process for its heartbeat."""
        self.name = name
        self.is_stopping = False

    def stop(self) -> None:
        """Ask the loop to end after the batch in hand."""
        self.is_stopping = True

    def run(self) -> None:
        """Serve until `stop()`; a lost database connection is waited out."""
        # What was loaded until now stays for ever: without this, the collector walks through it again and again.
        gc.freeze()
        while not self.is_stopping:
            try:
                close_old_connections()
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {INBOX_CHANNEL}")
                while not self.is_stopping:
                    beat(self.name)
                    if not process_next_batch():
                        wait_for_notification(IDLE_WAIT_S)
            except CONNECTION_LOST:
                logger.warning("usage_processor.database_unavailable", exc_info=True)
            finally:
                end_session()
            if not self.is_stopping:
                time.sleep(IDLE_WAIT_S)

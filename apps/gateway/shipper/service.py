"""The shipper's loop: collect, prepare, send, commit, put away.

Source: docs/architecture/gateway.md §7.
"""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Final

from apps.gateway.shipper.client import IntakeClient, NotAcceptedError, batch_id_of, encode_body
from apps.gateway.shipper.collector import MAX_EVENTS, Batch, Collector
from apps.gateway.shipper.keeping import KeptFiles
from apps.gateway.shipper.replay_desk import ReplayDesk
from apps.gateway.shipper.state import PreparedBatch, State, StateFile

if TYPE_CHECKING:
    from threading import Event

    from apps.gateway.shipper.config import ShipperSettings

logger = logging.getLogger(__name__)

BATCH_EVERY_S: Final = 0.5
HEARTBEAT_S: Final = 2.0
FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 30.0
SECONDS_OF_HOUR: Final = 3_600
BYTES_OF_MB: Final = 1024 * 1024


class Shipper:
    """Ships the calls of one gateway until told to stop."""

    def __init__(self, settings: ShipperSettings, stopped: Event) -> None:
        """Load what an earlier process left.

        Raises: OSError, msgspec.DecodeError when the saved state cannot be used.
        """
        self._node = settings.node
        self._stopped = stopped
        kept = KeptFiles(
            settings.state_dir,
            max_age_s=settings.keep_hours * SECONDS_OF_HOUR,
            max_bytes=int(settings.keep_mb * BYTES_OF_MB),
        )
        self._collector = Collector(
            settings.journal_dir, settings.access_log, settings.longest_call_s, kept
        )
        self._replays = ReplayDesk(settings, kept)
        self._file = StateFile(settings.state_dir)
        self._state = self._file.load()
        self._client = IntakeClient(settings.web_url, settings.token)
        self._reported_at = 0.0
        self._shipped_until_ms = 0

    def run(self) -> None:
        """Ship until stopped. A batch that is prepared but not accepted is sent at the next start.

        Raises: OSError when files cannot be read or the state cannot be saved.
        """
        try:
            if self._state.prepared is not None:
                logger.info("sending batch %s again", self._state.prepared.batch_id)
                self._send_prepared(self._state.prepared)
            while not self._stopped.is_set():
                has_more = self._ship_next()
                if not has_more:
                    self._stopped.wait(BATCH_EVERY_S)
        finally:
            self._client.close()

    def _ship_next(self) -> bool:
        """Ship one batch, or report that there is none; tell whether more waits."""
        batch = self._collector.collect(self._state.progress)
        is_due = time.monotonic() - self._reported_at >= HEARTBEAT_S
        if batch.events or is_due:
            prepared = self._prepare(batch)
            self._shipped_until_ms = batch.oldest_unshipped_ms
            self._send_prepared(prepared)
        elif batch.progress != self._state.progress:
            # Nothing to bill: it is enough to remember it with the next batch.
            self._state = State(batch.progress)
        return batch.has_more or len(batch.events) >= MAX_EVENTS

    def _prepare(self, batch: Batch) -> PreparedBatch:
        body = encode_body(self._node, batch.oldest_unshipped_ms, batch.events, batch.key_addresses)
        prepared = PreparedBatch(batch_id_of(body), body, batch.progress)
        if batch.events:
            # A heartbeat carries nothing that could be lost or doubled.
            self._file.save(State(self._state.progress, prepared))
        return prepared

    def _send_prepared(self, prepared: PreparedBatch) -> None:
        """Send until accepted or stopped, then commit."""
        delay_s = FIRST_RETRY_S
        while True:
            try:
                asked = self._client.send(prepared.batch_id, prepared.body)
                break
            except NotAcceptedError as error:
                wait_s = max(error.retry_after_s or 0.0, delay_s * random.uniform(0.5, 1.0))  # noqa: S311 -- spreads retries
                logger.warning("batch %s: %s; again in %.1f s", prepared.batch_id, error, wait_s)
            if self._stopped.wait(wait_s):
                return
            delay_s = min(delay_s * 2, LAST_RETRY_S)
        self._reported_at = time.monotonic()
        self._commit(prepared)
        if asked is not None:
            self._replays.answer(
                asked,
                self._client,
                shipped_until_ms=self._shipped_until_ms,
                open_calls=self._state.progress.open_calls,
            )

    def _commit(self, prepared: PreparedBatch) -> None:
        """Save the progress of an accepted batch, then put away the files that it finished."""
        self._state = State(prepared.progress)
        self._file.save(self._state)
        self._state = State(self._collector.put_away_shipped(prepared.progress))

"""The relay: drains the outbox, and runs the loops that need a single leader.

Several relays may run; messages are claimed with SKIP LOCKED and a lease, so no two deliver one message at once.
Loops registered with `leader_loop` (such as the gateway's registry sync) run only in the relay that holds the
advisory lock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.db import close_old_connections, connection, transaction

from apps.core import clock, outbox
from apps.core.db import CONNECTION_LOST, end_session, wait_for_notification
from apps.core.enums import OutboxStatus
from apps.core.health import beat
from apps.core.models import DeadLetter, OutboxMessage
from apps.core.request_context import request_id_scope

logger = structlog.get_logger(__name__)

CLAIM_LEASE: Final = timedelta(seconds=60)
BATCH_SIZE: Final = 100
IDLE_WAIT_S: Final = 1.0
LEADER_LOCK_ID: Final = 7_041_001
MAX_BACKOFF_S: Final = 600.0

_CLAIM = """
    UPDATE core_outboxmessage SET available_at = %(until)s, attempts = attempts + 1
    WHERE id IN (
        SELECT m.id FROM core_outboxmessage m
        WHERE m.status = 'pending' AND m.available_at <= %(now)s
          AND (m.key = '' OR NOT EXISTS (
              SELECT 1 FROM core_outboxmessage e
              WHERE e.status = 'pending' AND e.key = m.key AND e.id < m.id))
        ORDER BY m.id LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


@dataclass(frozen=True, slots=True)
class LeaderLoop:
    """A function that the leading relay calls again and again."""

    name: str
    function: Callable[[], bool]
    interval_s: float


_loops: list[LeaderLoop] = []


def leader_loop(
    *, name: str, interval_s: float
) -> Callable[[Callable[[], bool]], Callable[[], bool]]:
    """Register a loop; its function returns whether it did something (then it is called again at once)."""

    def register(function: Callable[[], bool]) -> Callable[[], bool]:
        if all(loop.name != name for loop in _loops):
            _loops.append(LeaderLoop(name, function, interval_s))
        return function

    return register


def backoff_s(attempts: int) -> float:
    """Seconds to wait after that many failed attempts: doubling from 1 s, with jitter, bounded."""
    return min(2.0 ** (attempts - 1), MAX_BACKOFF_S) * random.uniform(0.9, 1.1)  # noqa: S311


def claim_messages(limit: int = BATCH_SIZE) -> list[OutboxMessage]:
    """Lease the next messages; another relay sees them again only after the lease."""
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "until": now + CLAIM_LEASE, "limit": limit})
        ids = [row[0] for row in cursor.fetchall()]
    return list(OutboxMessage.objects.filter(pk__in=ids).order_by("id"))


def deliver(message: OutboxMessage) -> bool:
    """Call the message's handler and note the outcome; return whether it was delivered.

    A failure is kept with the message and retried with doubling waits; after the last attempt the
    message becomes a dead letter that an operator can retry or discard.
    """
    try:
        with request_id_scope(message.request_id):
            outbox.handler_for(message.topic)(message.payload)
    except CONNECTION_LOST:
        raise  # the database is away: the lease runs out and the message comes again
    except Exception as error:
        logger.warning("outbox.delivery_failed", topic=message.topic, exc_info=True)
        _note_failure(message, error)
        return False
    OutboxMessage.objects.filter(pk=message.pk).update(
        status=OutboxStatus.DELIVERED, delivered_at=clock.now(), last_error=""
    )
    return True


def _note_failure(message: OutboxMessage, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"
    if message.attempts < outbox.MAX_ATTEMPTS:
        available_at = clock.now() + timedelta(seconds=backoff_s(message.attempts))
        OutboxMessage.objects.filter(pk=message.pk).update(
            available_at=available_at, last_error=reason
        )
        return
    with transaction.atomic():
        OutboxMessage.objects.filter(pk=message.pk).update(
            status=OutboxStatus.DEAD, last_error=reason
        )
        DeadLetter.objects.get_or_create(
            source="outbox",
            reference=str(message.pk),
            resolved_at=None,
            defaults={
                "payload": {"topic": message.topic, "payload": message.payload},
                "reason": reason,
                "attempts": message.attempts,
            },
        )


def drain(limit: int = BATCH_SIZE) -> int:
    """Deliver what is due now; return how many messages were claimed."""
    messages = claim_messages(limit)
    for message in messages:
        deliver(message)
    return len(messages)


def drain_until_empty(max_rounds: int = 50) -> int:
    """Deliver until nothing is due (tests, the demo and maintenance); return the number claimed."""
    total = 0
    for _round in range(max_rounds):
        claimed = drain()
        total += claimed
        if not claimed:
            break
    return total


class Relay:
    """The process: waits for notifications, drains, runs the leader's loops, beats its heart."""

    def __init__(self, *, name: str) -> None:
        """Name the process for its heartbeat."""
        self.name = name
        self.is_stopping = False
        self._next_run: dict[str, float] = {}

    def stop(self) -> None:
        """Ask the loop to end after the message in hand."""
        self.is_stopping = True

    def run(self) -> None:
        """Serve until `stop()`; a lost database connection is waited out. Another relay may lead then."""
        while not self.is_stopping:
            try:
                close_old_connections()
                self._listen()
                while not self.is_stopping:
                    self._step()
            except CONNECTION_LOST:
                logger.warning("relay.database_unavailable", exc_info=True)
            finally:
                end_session()
            if not self.is_stopping:
                time.sleep(IDLE_WAIT_S)

    def _listen(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {outbox.CHANNEL}")

    def _step(self) -> None:
        beat(self.name)
        is_busy = drain() > 0
        is_leader = self._is_leader()
        if is_leader:
            is_busy = self._run_due_loops() or is_busy
        if not is_busy and wait_for_notification(self._idle_wait_s() if is_leader else IDLE_WAIT_S):
            self._next_run.clear()  # something was committed: the loops look at once

    def _is_leader(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"
                " AND objid = %s AND pid = pg_backend_pid() AND granted)"
                " OR pg_try_advisory_lock(%s)",
                [LEADER_LOCK_ID, LEADER_LOCK_ID],
            )
            row = cursor.fetchone()
        return bool(row and row[0])

    def _run_due_loops(self) -> bool:
        is_busy = False
        for loop in _loops:
            if time.monotonic() < self._next_run.get(loop.name, 0.0):
                continue
            did_something = loop.function()
            is_busy = did_something or is_busy
            wait = 0.0 if did_something else loop.interval_s
            self._next_run[loop.name] = time.monotonic() + wait
        return is_busy

    def _idle_wait_s(self) -> float:
        due = min((self._next_run.get(loop.name, 0.0) for loop in _loops), default=0.0)
        return min(max(due - time.monotonic(), 0.01), IDLE_WAIT_S) if _loops else IDLE_WAIT_S

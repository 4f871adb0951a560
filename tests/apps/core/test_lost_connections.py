"""Processes that wait for notifications outlive their database: a lost connection is waited out, not died of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import pytest
from django.db import connection

from apps.core import clock
from apps.core.models import ProcessHeartbeat
from apps.core.relay import LEADER_LOCK_ID, Relay
from apps.usage.processor import UsageProcessor
from tests.apps.core.test_database_pool import end_idle_connections

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 20.0


class LongLived(Protocol):
    """A process that serves until told to stop."""

    name: str

    def run(self) -> None: ...

    def stop(self) -> None: ...


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


def waits_for_notification() -> bool:
    """Tell whether another session of this database listens and has nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state = 'idle' AND state_change < now() - interval '0.2 s'"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("kind", [Relay, UsageProcessor])
def test_process_goes_on_after_its_connection_was_ended(
    kind: Callable[..., LongLived],
) -> None:
    process = kind(name=f"lost-{kind.__name__}")
    crashed: list[BaseException] = []

    def serve() -> None:
        try:
            process.run()
        except BaseException as error:  # noqa: BLE001 -- shown by the test
            crashed.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        heart = ProcessHeartbeat.objects.filter(name=process.name)
        wait_for(heart.exists, "the first heartbeat")
        wait_for(waits_for_notification, "waiting")
        ended_at = clock.now()

        assert end_idle_connections() >= 1

        # The thread that ends them may lose its own as well.
        connection.close()
        wait_for(
            lambda: bool(crashed) or heart.filter(seen_at__gt=ended_at).exists(),
            "a heartbeat after the loss",
        )
        assert crashed == []
        assert thread.is_alive()
    finally:
        process.stop()
        thread.join()


def test_relay_that_ends_leaves_the_lead_to_the_next() -> None:
    """Its session goes back to the pool and lives on: a lock left on it would keep every other relay from leading."""
    relay = Relay(name="leads-and-ends")
    thread = threading.Thread(target=relay.run)
    thread.start()
    wait_for(lambda: held_locks() == 1, "leading")

    relay.stop()
    thread.join()

    assert held_locks() == 0


def held_locks() -> int:
    """Count the leaders of this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LEADER_LOCK_ID],
        )
        return int(cursor.fetchone()[0])

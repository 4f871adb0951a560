"""Locks that a test holds, so that threads and other processes stop exactly where it wants them to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote

import psycopg
from django.db import connection

ARRIVE_WITHIN_S: Final = 30.0
# Who waits behind a waiter is blocked by that one, not by us.
_QUEUED: Final = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""
_ALIVE: Final = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY (%s)"


def database_url() -> str:
    """Return the test database's URL: a process of its own reads the same rows."""
    values = connection.settings_dict
    password = quote(str(values["PASSWORD"]), safe="")
    name = connection.get_connection_params()["dbname"]
    return f"postgres://{values['USER']}:{password}@{values['HOST']}:{values['PORT']}/{name}"


class Gate:
    """A lock in a session of its own, before which others wait; closed until it is opened."""

    def __init__(self, session: psycopg.Connection, watcher: psycopg.Connection) -> None:
        self._session = session
        # Within a transaction the list of sessions stays as it was first seen.
        self._watcher = watcher

    def wait_for(self, count: int) -> list[int]:
        """Wait until so many sessions stand before the gate; return their server processes."""
        deadline = time.monotonic() + ARRIVE_WITHIN_S
        while True:
            found = [row[0] for row in self._watcher.execute(_QUEUED).fetchall()]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} of {count} came to the gate"
            time.sleep(0.02)

    def open(self) -> None:
        """Let those who wait go on, in their order."""
        self._session.rollback()

    def wait_until_gone(self, pids: list[int]) -> None:
        """Wait until the database has noticed that its clients are dead, and has rolled back what they did."""
        deadline = time.monotonic() + ARRIVE_WITHIN_S
        while self._watcher.execute(_ALIVE, [pids]).fetchone():
            assert time.monotonic() < deadline, "a dead client's session is still there"
            time.sleep(0.02)


@contextmanager
def closed_gate(statement: str, *values: object) -> Iterator[Gate]:
    """Take a lock by a statement, such as `LOCK TABLE … IN SHARE MODE`, until the gate is opened."""
    url = database_url()
    with psycopg.connect(url) as session, psycopg.connect(url, autocommit=True) as watcher:
        session.execute(statement, values)
        yield Gate(session, watcher)
        session.rollback()

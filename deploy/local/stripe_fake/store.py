"""The fake's memory: one SQLite file, so that a restart keeps every object."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    url TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    last_status INTEGER,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, due_at);
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT NOT NULL,
    at REAL NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL,
    idempotency_key TEXT,
    params TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
TABLES = ("object", "idempotency", "delivery", "request", "setting")


class Store:
    """Objects by id, in order of creation; one writer at a time."""

    def __init__(self, path: Path) -> None:
        """Open (or create) the file; its folder is made private to the user."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what the block wrote, all or nothing; other threads wait."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def find(self, kind: str, object_id: str) -> dict[str, Any] | None:
        """Return the object, or None when the id names nothing of this kind."""
        rows = self.rows("SELECT body FROM object WHERE id = ? AND kind = ?", object_id, kind)
        return _load(rows[0]) if rows else None

    def find_any(self, object_id: str) -> dict[str, Any] | None:
        """Return the object of whatever kind, or None."""
        rows = self.rows("SELECT body FROM object WHERE id = ?", object_id)
        return _load(rows[0]) if rows else None

    def newest_first(self, kind: str) -> list[dict[str, Any]]:
        """Return every object of the kind."""
        statement = "SELECT body FROM object WHERE kind = ? ORDER BY seq DESC"
        return [_load(row) for row in self.rows(statement, kind)]

    def save(self, record: dict[str, Any]) -> dict[str, Any]:
        """Insert or replace an object, and return it."""
        self.rows(
            "INSERT INTO object (id, kind, body) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            record["id"],
            record["object"],
            json.dumps(record),
        )
        return record

    def setting(self, name: str, default: Any) -> Any:
        """Return a stored setting."""
        rows = self.rows("SELECT value FROM setting WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    def save_setting(self, name: str, value: Any) -> None:
        """Store a setting."""
        self.rows("INSERT OR REPLACE INTO setting VALUES (?, ?)", name, json.dumps(value))

    def clear(self) -> None:
        """Forget everything, as a new account would have it."""
        with self.transaction():
            for table in TABLES:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 -- names are constants above

    def close(self) -> None:
        """Flush and close the file."""
        with self._lock:
            self._db.close()


def _load(row: sqlite3.Row) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row["body"])
    return body

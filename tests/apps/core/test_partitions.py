"""A partition is made and dropped while writers go on."""

# ruff: noqa: S608 -- the name of the table is a constant

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Self

import pytest
from django.db import connection, transaction

from apps.core.partitions import (
    PartitionBusyError,
    drop_partition,
    make_partition,
    month_of,
    stored_months,
)

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "test_parted"
JANUARY, MARCH = month_of(2025, 1), month_of(2025, 3)


@pytest.fixture
def parted() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {TABLE} (id int, occurred_at timestamptz NOT NULL,"
            " PRIMARY KEY (id, occurred_at)) PARTITION BY RANGE (occurred_at)"
        )
        cursor.execute(f"CREATE TABLE {TABLE}_default PARTITION OF {TABLE} DEFAULT")
    make_partition(TABLE, JANUARY)
    make_partition(TABLE, MARCH)
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")


class Writers:
    """Insert rows of March and of a month without a partition, each in its own connection, until stopped."""

    def __init__(self, count: int) -> None:
        self.written = [0] * count
        self.errors: list[Exception] = []
        self.stop = threading.Event()
        self.begun = threading.Barrier(count + 1)
        self.threads = [threading.Thread(target=self._write, args=(n,)) for n in range(count)]

    def _write(self, number: int) -> None:
        try:
            self.begun.wait(timeout=30)
            with connection.cursor() as cursor:
                while not self.stop.is_set():
                    row = number * 1_000_000 + self.written[number]
                    cursor.execute(
                        f"INSERT INTO {TABLE} VALUES (%s, '2025-03-05'), (%s, '2025-07-01')",
                        [row, row],
                    )
                    self.written[number] += 1
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            self.errors.append(error)
        finally:
            connection.close()

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        self.begun.wait(timeout=30)
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(timeout=30)


class Reader:
    """Hold the table open in a transaction of its own, as a long report does."""

    def __init__(self) -> None:
        self.reading, self.enough = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        try:
            with transaction.atomic():
                count()
                self.reading.set()
                self.enough.wait(timeout=30)
        finally:
            connection.close()

    def end(self) -> None:
        self.enough.set()
        self.thread.join(timeout=30)

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.reading.wait(timeout=30)
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()


def insert(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} VALUES (1, %s)", [text])


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {TABLE}")
        return int(cursor.fetchone()[0])


def test_writers_go_on_while_a_reader_holds_the_table(parted: None) -> None:
    """The drop waits a moment, lets everybody pass and tries again, until the reader is gone."""
    insert("2025-01-05")
    waits: list[int] = []
    with Reader() as reader, Writers(2) as writers:

        def pause(_seconds: float) -> None:
            """Between two tries rows of every writer go in; after the second the reader ends."""
            seen = list(writers.written)
            while not writers.errors and any(
                now == before for now, before in zip(writers.written, seen, strict=True)
            ):
                threading.Event().wait(0.01)
            waits.append(sum(writers.written) - sum(seen))
            if len(waits) == 2:
                reader.end()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "sleep", pause)
            drop_partition(TABLE, JANUARY)

    assert writers.errors == []
    assert len(waits) >= 2
    assert all(waits)
    assert stored_months(TABLE) == [MARCH]
    assert count() == 2 * sum(writers.written)


def test_gives_up_without_a_trace(parted: None) -> None:
    insert("2025-01-05")
    with Reader(), pytest.raises(PartitionBusyError):
        drop_partition(TABLE, JANUARY, attempts=1)
    assert stored_months(TABLE) == [JANUARY, MARCH]
    assert count() == 1


def test_partition_is_made_beside_writers_of_other_months(parted: None) -> None:
    """What the default partition holds of the new month moves, and nothing is lost."""
    insert("2025-02-05")
    july = month_of(2025, 7)
    with Writers(2) as writers:
        make_partition(TABLE, month_of(2025, 2))
        make_partition(TABLE, july)
    assert writers.errors == []
    assert count() == 1 + 2 * sum(writers.written)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {TABLE}_default")
        assert cursor.fetchone()[0] == 0

"""Monthly partitions: made ahead, dropped whole after retention, never under a lock that stops writers.

Each table has a default partition, so that no insert ever fails for lack of one. It has two traps. A partition cannot
be made over rows that the default one holds already: they are moved into it, while writers wait. And `DETACH … CONCURRENTLY` is refused
beside a default partition: a plain DETACH changes catalogues only, but takes the whole table for that moment, and
behind it writers would queue for as long as it waits for a long reader. So it waits a fraction of a second, lets
everybody pass, and tries again.

Source: PostgreSQL, ALTER TABLE, DETACH PARTITION; CREATE TABLE, PARTITION OF … DEFAULT.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from apps.core import clock
from apps.core.clock import Period

MONTHS_AHEAD: Final = 3
LOCK_WAIT_MS: Final = 300
ATTEMPTS: Final = 20
PAUSE_S: Final = 0.5
TIME_COLUMN: Final = "occurred_at"
_NAME: Final = re.compile(r"_y(\d{4})m(\d{2})$")
_PARTITIONS: Final = """
    SELECT child.relname FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
    WHERE parent.relname = %s ORDER BY child.relname
"""


class PartitionBusyError(RuntimeError):
    """Long readers kept a table's lock all the time; the next run tries again."""


def _month_start(year: int, month: int) -> datetime:
    years, index = divmod(month - 1, 12)
    return datetime(year + years, index + 1, 1, tzinfo=UTC)


def month_of(year: int, month: int) -> Period:
    """Return a calendar month in UTC; months beyond 12 and below 1 count on."""
    start = _month_start(year, month)
    return Period(start, _month_start(start.year, start.month + 1))


def partition_name(table: str, month: Period) -> str:
    """Return the name of a month's partition."""
    return f"{table}_y{month.start.year}m{month.start.month:02d}"


def stored_months(table: str) -> list[Period]:
    """Return the months that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS, [table])
        found = [_NAME.search(name) for (name,) in cursor.fetchall()]
    return sorted(month_of(int(name[1]), int(name[2])) for name in found if name)


def ensure_monthly_partitions(
    table: str, *, months_back: int = 1, months_ahead: int = MONTHS_AHEAD
) -> int:
    """Create the missing partitions `<table>_yYYYYmMM` around the current month; return how many."""
    now = clock.now()
    months = [
        month_of(now.year, now.month + offset) for offset in range(-months_back, months_ahead + 1)
    ]
    return sum(make_partition(table, month) for month in months)


def make_partition(table: str, month: Period) -> bool:
    """Create a month's partition, with the rows of that month that the default one holds; return whether it is new.

    Writers wait for it at the table, not at the default partition: there they would be routed already, and fail.

    Raises:
        PartitionBusyError: writers held the table through all attempts; nothing has changed.
    """
    name = partition_name(table, month)
    if _is_there(name):
        return False
    _patiently(table, lambda: _make(table, name, month))
    return True


def _is_there(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [name])
        return cursor.fetchone()[0] is not None


def _make(table: str, name: str, month: Period) -> None:
    """Make it apart, move rows into it, and attach it. Identifiers come from code; the bounds are formatted dates."""
    default, bounds = f"{table}_default", [month.start, month.end]
    condition = f"{TIME_COLUMN} >= %s AND {TIME_COLUMN} < %s"
    with connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE ONLY "{table}" IN SHARE ROW EXCLUSIVE MODE')
        cursor.execute(
            f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
        )
        cursor.execute(f'SELECT EXISTS (SELECT FROM "{default}" WHERE {condition})', bounds)  # noqa: S608 -- as said
        if cursor.fetchone()[0]:
            cursor.execute(
                f'WITH moved AS (DELETE FROM "{default}" WHERE {condition} RETURNING *)'  # noqa: S608 -- as said
                f' INSERT INTO "{name}" SELECT * FROM moved',
                bounds,
            )
        cursor.execute(
            f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" '
            f"FOR VALUES FROM ('{month.start:%Y-%m-%d}+00') TO ('{month.end:%Y-%m-%d}+00')"
        )


def drop_partition(table: str, month: Period, *, attempts: int = ATTEMPTS) -> None:
    """Detach a month's partition and drop it, in the caller's transaction if there is one.

    Raises:
        PartitionBusyError: a reader held the table through all attempts; nothing has changed.
    """
    name = partition_name(table, month)

    def drop() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{table}" DETACH PARTITION "{name}"')
            cursor.execute(f'DROP TABLE "{name}"')

    _patiently(table, drop, attempts=attempts)


def _patiently(table: str, work: Callable[[], None], *, attempts: int = ATTEMPTS) -> None:
    """Do what locks a whole table for a moment; writers wait behind it for at most `LOCK_WAIT_MS` at a time."""
    for attempt in range(attempts):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
                work()
                cursor.execute("SET LOCAL lock_timeout = DEFAULT")
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                raise
            if attempt + 1 < attempts:
                time.sleep(PAUSE_S)
        else:
            return
    msg = f"{table} was in use at {attempts} tries; its partitions stay as they are"
    raise PartitionBusyError(msg)

"""Many calls of the past, stored by SQL as the processors would have stored them: in the order of their times.

What comes in order is appended to each index and lies side by side in the table. Rows in any order would cost ten times
as much to store, and an hour of them would be spread over the whole table, which no real one is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection

CHUNK: Final = 250_000
CONNECTIONS: Final = 2
# Checkpoints every few seconds would write each page again and again.
_MAX_WAL: Final = "8GB"


def tell(text: str) -> None:
    """Say on stderr how far a long step is."""
    print(f"  {text}", file=sys.stderr, flush=True)


def store(statement: str, values: Callable[[int], dict[str, Any]], total: int) -> float:
    """Run a statement for each chunk of the numbers from 1 to `total`, over two connections; return the seconds.

    The statement finds its chunk in `%(first)s` and `%(last)s`, and `values` gives the rest for the number of a chunk.
    """
    done = 0

    def run(index: int) -> int:
        first = index * CHUNK + 1
        last = min(first + CHUNK - 1, total)
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")
            cursor.execute(statement, {**values(index), "first": first, "last": last})
            cursor.execute("RESET synchronous_commit")
        return last - first + 1

    began = time.perf_counter()
    with _few_checkpoints(), ThreadPoolExecutor(CONNECTIONS) as pool:
        for count in pool.map(run, range(-(-total // CHUNK))):  # raises what one raised
            done += count
            if done % (4 * CHUNK) == 0 or done == total:
                tell(f"{done:,} calls stored within {time.perf_counter() - began:,.0f} s")
        for _connection in range(CONNECTIONS):  # each thread has its own
            pool.submit(connection.close)
    return time.perf_counter() - began


def tidy(tables: Sequence[str]) -> None:
    """Leave tables as autovacuum and a checkpoint would have left them."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {', '.join(tables)}")
        cursor.execute("CHECKPOINT")


@contextmanager
def _few_checkpoints() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET max_wal_size TO '{_MAX_WAL}'")
        cursor.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            cursor.execute("ALTER SYSTEM RESET max_wal_size")
            cursor.execute("SELECT pg_reload_conf()")

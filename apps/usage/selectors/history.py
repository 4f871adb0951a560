"""Single calls of any age, oldest first, in chunks: the way to read more of them than a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from apps.usage.call_ranges import CallRange
from apps.usage.models import UsageEvent

CHUNK_ROWS: Final = 5_000
ALL_COLUMNS: Final = tuple(field.attname for field in UsageEvent._meta.concrete_fields)
Chunk = list[tuple[Any, ...]]


def chunks_between(calls: CallRange, columns: Sequence[str]) -> Iterator[Chunk]:
    """Read columns of calls, oldest first, holding one chunk in memory.

    PostgreSQL makes the whole answer first and keeps it for the cursor, so what is read is one moment's state, and
    no transaction stays open meanwhile.
    """
    rows = calls.stored().values_list(*columns).iterator(chunk_size=CHUNK_ROWS)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def events_between(calls: CallRange) -> Iterator[UsageEvent]:
    """Read whole calls, oldest first; they are for reading and cannot be saved."""
    for chunk in chunks_between(calls, ALL_COLUMNS):
        for row in chunk:
            yield UsageEvent(**dict(zip(ALL_COLUMNS, row, strict=True)))

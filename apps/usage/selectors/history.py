"""Single calls of any age, from the table and from archives: the way to read more of them than a page."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from apps.usage.archive_files import COLUMNS, rows_of
from apps.usage.call_ranges import CallRange
from apps.usage.models import UsageEvent
from apps.usage.selectors.archives import archived_rows, archived_tables

CHUNK_ROWS: Final = 5_000
Chunk = list[tuple[Any, ...]]
# Where a page begins: behind the call with this time and id.
Place = tuple[datetime, UUID]


def chunks_between(calls: CallRange, columns: Sequence[str]) -> Iterator[Chunk]:
    """Read columns of calls, holding one chunk in memory: archived months first, then the others oldest first.

    PostgreSQL makes the whole answer first and keeps it for the cursor, so what is read is one moment's state, and
    no transaction stays open meanwhile. A month that is being archived is found in one of the two: it leaves the table
    in the moment in which its archive begins to count, and the table's answer is fixed before archives are asked.

    Raises:
        ArchiveDamaged: the file of an archived month is missing or was changed.
    """
    stored = calls.stored().values_list(*columns).iterator(chunk_size=CHUNK_ROWS)
    first = list(islice(stored, 1))
    picked = [COLUMNS.index(name) for name in columns]
    archived = (tuple(row[index] for index in picked) for row in archived_rows(calls))
    rows = chain(archived, first, stored)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def events_between(calls: CallRange) -> Iterator[UsageEvent]:
    """Read whole calls; within a subscription oldest first. They are for reading and cannot be saved."""
    for chunk in chunks_between(calls, COLUMNS):
        for row in chunk:
            yield _event(row)


@dataclass(frozen=True, slots=True)
class CallHistory:
    """The calls of one subscription in a period that lies in archives, wholly or in part; for pages."""

    calls: CallRange

    def count(self) -> int:
        """Return how many there are."""
        archived: int = sum(table.num_rows for table in archived_tables(self.calls))
        return archived + self.calls.stored().order_by().count()

    def newest_first(self, *, limit: int, before: Place | None = None) -> list[UsageEvent]:
        """Return the newest ones, or those behind a place."""
        stored = self.calls.stored().reverse()
        if before is not None:
            at, event_id = before
            stored = stored.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, event_id__lt=event_id))
        archived = (
            event
            for event in self._archived()
            if before is None or (event.occurred_at, event.event_id) < before
        )
        merged = heapq.merge(
            stored[:limit],
            archived,
            key=lambda event: (event.occurred_at, event.event_id),
            reverse=True,
        )
        return list(islice(merged, limit))

    def __len__(self) -> int:
        """Return how many there are; for Django's pages."""
        return self.count()

    def __getitem__(self, wanted: slice) -> list[UsageEvent]:
        """Return a page, newest first."""
        return self.newest_first(limit=wanted.stop)[wanted.start :]

    def _archived(self) -> Iterator[UsageEvent]:
        for table in archived_tables(self.calls, newest_first=True):
            for row in reversed(list(rows_of(table))):
                yield _event(row)


def _event(row: tuple[Any, ...]) -> UsageEvent:
    return UsageEvent(**dict(zip(COLUMNS, row, strict=True)))

"""Archived calls: which months lie in files, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.usage.archive_files import COLUMNS, ArchiveFile, rows_of
from apps.usage.call_ranges import CallRange
from apps.usage.enums import ArchiveStatus
from apps.usage.models import UsageArchive, UsageEvent

LONGEST_MONTH: Final = timedelta(days=31)


def archives() -> QuerySet[UsageArchive]:
    """Return all months that were archived or dropped, newest first."""
    return UsageArchive.objects.order_by("-month_start")


def get_archive(public_id: str) -> UsageArchive:
    """Return an archive.

    Raises:
        NotFound: unknown.
    """
    try:
        archive = archives().filter(pk=parse_public_id(UsageArchive.id_prefix, public_id)).first()
    except InvalidPublicIdError:
        raise NotFound from None
    if archive is None:
        raise NotFound
    return archive


def archives_in(period: Period) -> list[UsageArchive]:
    """Return the archives that alone hold calls of a period, oldest first."""
    rows = UsageArchive.objects.filter(
        status=ArchiveStatus.ONLY_COPY,
        month_start__lt=period.end,
        month_start__gt=period.start - LONGEST_MONTH,
    )
    return [row for row in rows.order_by("month_start") if row.month.end > period.start]


def archived_tables(calls: CallRange, *, newest_first: bool = False) -> Iterator[Any]:
    """Read the archived calls of a range as Arrow tables, one row group at a time.

    Within a month they come by subscription, and within a subscription by time.

    Raises:
        ArchiveDamaged: a file is missing or was changed.
    """
    step = -1 if newest_first else 1
    bounds = {
        name: (value.bytes, value.bytes)
        for name, value in calls.equals.items()
        if isinstance(value, UUID)
    }
    times = (calls.period.start, calls.period.end)
    for archive in archives_in(calls.period)[::step]:
        with ArchiveFile(archive) as file:
            for index in file.groups_within({**bounds, "occurred_at": times})[::step]:
                yield _narrow(file.read_group(index), calls)


def archived_rows(calls: CallRange) -> Iterator[tuple[Any, ...]]:
    """Read the archived calls of a range as rows of the table."""
    for table in archived_tables(calls):
        yield from rows_of(table)


def archived_subscriptions(calls: CallRange) -> set[UUID]:
    """Return whose calls the archives hold in a range."""
    found: set[bytes] = set()
    for table in archived_tables(calls):
        found.update(table.column("subscription_id").unique().to_pylist())
    return {UUID(bytes=value) for value in found}


def find_archived(event_ids: Iterable[UUID]) -> list[UsageEvent]:
    """Return those of these calls that only archives hold; reads as few row groups as the ids allow."""
    import pyarrow as pa  # noqa: PLC0415 -- 165 MB that few processes need
    import pyarrow.compute as pc  # noqa: PLC0415 -- as said

    wanted = sorted(set(event_ids))
    if not wanted:
        return []
    found = []
    holding = UsageArchive.objects.filter(
        status=ArchiveStatus.ONLY_COPY, min_id__lte=wanted[-1], max_id__gte=wanted[0]
    )
    ids = pa.array([event_id.bytes for event_id in wanted], type=pa.binary(16))
    for archive in holding.order_by("-month_start"):
        with ArchiveFile(archive) as file:
            bounds = {"event_id": (wanted[0].bytes, wanted[-1].bytes)}
            for index in file.groups_within(bounds):
                table = file.read_group(index)
                table = table.filter(pc.is_in(table.column("event_id"), value_set=ids))
                found += [
                    UsageEvent(**dict(zip(COLUMNS, row, strict=True))) for row in rows_of(table)
                ]
    return found


def _narrow(table: Any, calls: CallRange) -> Any:
    """Keep what the range means; the same conditions as `CallRange.stored`."""
    import pyarrow as pa  # noqa: PLC0415 -- as said
    import pyarrow.compute as pc  # noqa: PLC0415 -- as said

    at = table.column("occurred_at")
    moment = pa.timestamp("us", tz="UTC")
    keep = pc.and_(
        pc.greater_equal(at, pa.scalar(calls.period.start, type=moment)),
        pc.less(at, pa.scalar(calls.period.end, type=moment)),
    )
    for name, value in calls.equals.items():
        scalar = (
            pa.scalar(value.bytes, type=pa.binary(16))
            if isinstance(value, UUID)
            else pa.scalar(value)
        )
        keep = pc.and_(keep, pc.equal(table.column(name), scalar))
    if calls.statuses is not None:
        status = table.column("status")
        keep = pc.and_(keep, pc.greater_equal(status, calls.statuses[0]))
        keep = pc.and_(keep, pc.less(status, calls.statuses[1]))
    if calls.path_contains:
        keep = pc.and_(keep, pc.match_substring(table.column("path"), calls.path_contains))
    if calls.without:
        out = pa.array([event_id.bytes for event_id in calls.without], type=pa.binary(16))
        keep = pc.and_(keep, pc.invert(pc.is_in(table.column("event_id"), value_set=out)))
    return table.filter(keep)

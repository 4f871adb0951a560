"""What an export consists of: its rows, chunk by chunk, and how many to expect."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet, Sum

from apps.core.ids import parse_public_id
from apps.pricing.models import CALLS_METER
from apps.usage.call_ranges import CallRange
from apps.usage.enums import ExportSide, ExportSubject
from apps.usage.export_columns import columns_of
from apps.usage.models import UsageExport, UsageWindow
from apps.usage.selectors.history import CHUNK_ROWS, Chunk, chunks_between
from apps.usage.series import usage_series

# What may be chosen: the filter's name, the prefix of its public id, the column.
ID_FILTERS: Final = (("subscription_id", "sub"), ("api_id", "api"))


def row_chunks(export: UsageExport) -> Iterator[Chunk]:
    """Read the rows with the columns of the export's side, oldest first."""
    fields = [column.field for column in columns_of(export.subject, export.side)]
    if export.subject == ExportSubject.CALLS:
        yield from chunks_between(_calls_of(export), fields)
    elif export.subject == ExportSubject.WINDOWS:
        rows = _windows_of(export).order_by("window_start", "id").values_list(*fields)
        cursor = rows.iterator(chunk_size=CHUNK_ROWS)
        while chunk := list(islice(cursor, CHUNK_ROWS)):
            yield chunk
    else:
        points = usage_series(
            _windows_of(export),
            period=export.period,
            by_day=export.by_day,
            timezone=export.timezone,
        )
        yield [tuple(getattr(point, field) for field in fields) for point in points]


def expected_rows(export: UsageExport) -> int:
    """Return how many rows there will be at most, from windows: counting calls would take as long as reading them.

    Calls that came after their window was closed are not among them.
    """
    if export.subject == ExportSubject.SERIES:
        steps = export.period.duration.total_seconds() / (86_400 if export.by_day else 3600)
        return round(steps)
    windows = _windows_of(export)
    if export.subject == ExportSubject.WINDOWS:
        return windows.count()
    calls = windows.filter(meter=CALLS_METER).aggregate(total=Sum("event_count"))["total"]
    return calls or 0


def _owner(export: UsageExport) -> dict[str, UUID | None]:
    if export.side == ExportSide.OPERATOR:
        return {}
    return {f"{export.side}_id": export.organization_id}


def _chosen(export: UsageExport) -> dict[str, UUID]:
    return {
        name: parse_public_id(prefix, export.filters[name])
        for name, prefix in ID_FILTERS
        if export.filters.get(name)
    }


def _calls_of(export: UsageExport) -> CallRange:
    narrowed: dict[str, Any] = {**_owner(export), **_chosen(export)}
    status = export.filters.get("status")
    if status:
        narrowed["statuses"] = (int(status) * 100, int(status) * 100 + 100)
    return CallRange(period=export.period, path_contains=export.filters.get("path", ""), **narrowed)


def _windows_of(export: UsageExport) -> QuerySet[UsageWindow]:
    owner = {f"{export.side}_organization_id": pk for pk in _owner(export).values()}
    rows = UsageWindow.objects.filter(
        window_start__gte=export.period_start,
        window_start__lt=export.period_end,
        **owner,
        **_chosen(export),
    )
    meter = export.filters.get("meter")
    return rows.filter(meter=meter) if meter else rows

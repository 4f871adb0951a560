"""Archived calls as Parquet: written once, sorted by subscription and time, and never believed without its hashes.

Ids are 16 bytes, times microseconds in UTC, `properties` JSON text; the other columns are what the table has. Whoever
reads a few calls reads the row groups whose statistics can hold them, and checks the bytes of these and of the footer.

Source: Apache Parquet, file format: row groups follow each other, the footer with their statistics comes last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Self
from uuid import UUID

import msgspec
from django.core.files.storage import default_storage
from django.db import models
from django.utils.translation import gettext as _

from apps.usage.exceptions import ArchiveDamaged
from apps.usage.models import UsageArchive, UsageEvent

FIELDS: Final = tuple(UsageEvent._meta.concrete_fields)
COLUMNS: Final = tuple(item.attname for item in FIELDS)
SORTED_BY: Final = ("subscription_id", "occurred_at", "event_id")
GROUP_ROWS: Final = 25_000
# Added up, so that a file that lost or changed a row shows it.
SUMMED: Final = ("status", "latency_ms", "request_bytes", "response_bytes")
_ID: Final = COLUMNS.index("event_id")
_READ_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class Tally:
    """What a set of calls adds up to, in the order of the file."""

    rows: int = 0
    min_id: UUID | None = None
    max_id: UUID | None = None
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMMED, 0))
    _ids: Any = field(default_factory=hashlib.sha256)

    def add(self, ids: Iterable[bytes], values: Mapping[str, Iterable[int]]) -> None:
        """Add calls: their ids as bytes and the columns that are summed."""
        known = list(ids)
        if not known:
            return
        self.rows += len(known)
        self._ids.update(b"".join(known))
        low, high = UUID(bytes=min(known)), UUID(bytes=max(known))
        self.min_id = low if self.min_id is None else min(self.min_id, low)
        self.max_id = high if self.max_id is None else max(self.max_id, high)
        for name, numbers in values.items():
            self.sums[name] += sum(numbers)

    def add_rows(self, rows: list[tuple[Any, ...]]) -> None:
        """Add rows of the table, with all `COLUMNS`."""
        columns = {name: [row[COLUMNS.index(name)] for row in rows] for name in SUMMED}
        self.add((row[_ID].bytes for row in rows), columns)

    def as_fields(self) -> dict[str, Any]:
        """Return the fields of `UsageArchive` that hold it."""
        return {
            "row_count": self.rows,
            "min_id": self.min_id,
            "max_id": self.max_id,
            "ids_sha256": self._ids.hexdigest(),
            "sums": self.sums,
        }


def schema() -> Any:
    """Return the Arrow schema of the table as it is now."""
    import pyarrow as pa  # noqa: PLC0415 -- 165 MB that few processes need

    def type_of(column: models.Field[Any, Any]) -> Any:
        if isinstance(column, models.UUIDField):
            return pa.binary(16)
        if isinstance(column, models.DateTimeField):
            return pa.timestamp("us", tz="UTC")
        if isinstance(column, models.BooleanField):
            return pa.bool_()
        return pa.int64() if isinstance(column, models.IntegerField) else pa.string()

    return pa.schema([(item.attname, type_of(item)) for item in FIELDS])


def write_file(chunks: Iterable[list[tuple[Any, ...]]], target: BinaryIO) -> Tally:
    """Write rows with all `COLUMNS`, sorted already, a row group per chunk; return what they add up to."""
    import pyarrow as pa  # noqa: PLC0415 -- as above
    from pyarrow import parquet  # noqa: PLC0415 -- as above

    tally, wanted = Tally(), schema()
    with parquet.ParquetWriter(target, wanted, compression="zstd") as writer:
        for rows in chunks:
            tally.add_rows(rows)
            arrays = [
                pa.array([_plain(value) for value in values], type=column.type)
                for values, column in zip(zip(*rows, strict=True), wanted, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=wanted), row_group_size=len(rows))
    return tally


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return value


def layout_of(source: BinaryIO) -> dict[str, Any]:
    """Return the byte ranges of a file's row groups and of its footer, with their hashes."""
    from pyarrow import parquet  # noqa: PLC0415 -- as above

    size = source.seek(0, 2)
    metadata = parquet.read_metadata(source)
    groups, end = [], 4  # behind the magic bytes
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        columns = [group.column(number) for number in range(group.num_columns)]
        start = min(
            column.data_page_offset
            if column.dictionary_page_offset is None
            else min(column.dictionary_page_offset, column.data_page_offset)
            for column in columns
        )
        length = sum(column.total_compressed_size for column in columns)
        groups.append({"start": start, "length": length, "sha256": _hash(source, start, length)})
        end = start + length
    footer = {"start": end, "length": size - end, "sha256": _hash(source, end, size - end)}
    return {"row_groups": groups, "footer": footer}


def _hash(source: BinaryIO, start: int, length: int) -> str:
    source.seek(start)
    digest, left = hashlib.sha256(), length
    while left and (piece := source.read(min(left, _READ_BYTES))):
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest()


class ArchiveFile:
    """An archive opened for reading; `with` closes it."""

    def __init__(self, archive: UsageArchive) -> None:
        """Open it and check its footer.

        Raises:
            ArchiveDamaged: it is missing, or its footer is another.
        """
        from pyarrow import parquet  # noqa: PLC0415 -- as above

        self.archive = archive
        try:
            self._source = default_storage.open(archive.file_name, "rb")
        except OSError as error:
            raise self.damaged(_("The file is missing.")) from error
        try:
            self._require(archive.layout["footer"])
            self._file = parquet.ParquetFile(self._source)
        except BaseException:
            self._source.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._source.close()

    def damaged(self, detail: str) -> ArchiveDamaged:
        """Return the error that names the month."""
        return ArchiveDamaged(
            _("The archive of %(month)s cannot be used: %(detail)s")
            % {"month": self.archive, "detail": detail},
            archive_id=self.archive.pk,
        )

    def groups_within(self, bounds: Mapping[str, tuple[Any, Any]]) -> list[int]:
        """Return the row groups whose statistics allow rows with each column inside its bounds (both included)."""
        metadata = self._file.metadata
        names = metadata.schema.names
        numbers = {name: names.index(name) for name in bounds}
        return [
            index
            for index in range(metadata.num_row_groups)
            if all(
                _may_hold(metadata.row_group(index).column(numbers[name]).statistics, low, high)
                for name, (low, high) in bounds.items()
            )
        ]

    def read_group(self, index: int) -> Any:
        """Return a row group as an Arrow table, its bytes checked first.

        Raises:
            ArchiveDamaged: they are not what was written.
        """
        self._require(self.archive.row_groups[index])
        return self._file.read_row_group(index)

    def tally(self) -> Tally:
        """Read everything and add it up again."""
        tally = Tally()
        for index in range(self._file.metadata.num_row_groups):
            table = self.read_group(index)
            values = {name: table.column(name).to_pylist() for name in SUMMED}
            tally.add(table.column("event_id").to_pylist(), values)
        return tally

    def file_sha256(self) -> str:
        """Return the hash of the whole file."""
        return _hash(self._source, 0, self._source.seek(0, 2))  # type: ignore[arg-type]  # a binary file

    def _require(self, part: Mapping[str, Any]) -> None:
        if _hash(self._source, part["start"], part["length"]) != part["sha256"]:  # type: ignore[arg-type]  # as above
            raise self.damaged(_("It was changed since it was written."))


def _may_hold(statistics: Any, low: Any, high: Any) -> bool:
    if statistics is None or not statistics.has_min_max:
        return True
    return bool(statistics.min <= high and statistics.max >= low)


def rows_of(table: Any) -> Iterator[tuple[Any, ...]]:
    """Return an Arrow table's rows as the database gives them, with all `COLUMNS` of now."""
    columns = []
    for item in FIELDS:
        if item.attname not in table.column_names:
            columns.append([item.get_default()] * table.num_rows)
            continue
        values = table.column(item.attname).to_pylist()
        if isinstance(item, models.UUIDField):
            values = [None if value is None else UUID(bytes=value) for value in values]
        elif isinstance(item, models.JSONField):
            values = [None if value is None else msgspec.json.decode(value) for value in values]
        columns.append(values)
    yield from zip(*columns, strict=True)

"""Rows as CSV, NDJSON or Parquet, chunk by chunk: what is held in memory is one chunk.

Times are RFC 3339 in UTC, quantities decimal strings (in Parquet `timestamp` and `decimal`), ids public ids.
CSV is RFC 4180 in UTF-8; a text that a spreadsheet would take for a formula gets an apostrophe in front.

Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, BinaryIO, Final, Protocol
from uuid import UUID

import msgspec

from apps.core.ids import format_public_id
from apps.usage.enums import ExportFormat
from apps.usage.export_columns import Column, Kind

Rows = Sequence[tuple[Any, ...]]
Convert = Callable[[Any], Any]
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class RowWriter(Protocol):
    """Writes a file's rows."""

    def write(self, rows: Rows) -> None:
        """Write one chunk."""

    def close(self) -> None:
        """Write what belongs at the end; the file itself stays open."""


def open_writer(file_format: str, columns: Sequence[Column], target: BinaryIO) -> RowWriter:
    """Return the writer of a format, with its header written."""
    return _WRITERS[file_format](columns, target)


@lru_cache(maxsize=8192)
def _public_id(prefix: str, value: UUID) -> str:
    return format_public_id(prefix, value)


def _id_text(column: Column) -> Convert:
    if not column.prefix:
        return lambda value: None if value is None else str(value)
    prefix = column.prefix
    return lambda value: None if value is None else _public_id(prefix, value)


def _time_text(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _decimal_text(value: Decimal | None) -> str | None:
    if value is None:
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _same(value: Any) -> Any:
    return value


def _plain(column: Column) -> Convert:
    """Return how JSON shows a column; CSV starts from there."""
    if column.kind is Kind.ID:
        return _id_text(column)
    if column.kind is Kind.TIME:
        return _time_text
    return _decimal_text if column.kind is Kind.DECIMAL else _same


def _by_column(rows: Rows, converts: Sequence[Convert]) -> list[list[Any]]:
    return [
        [convert(value) for value in values]
        for convert, values in zip(converts, zip(*rows, strict=True), strict=True)
    ]


class CsvWriter:
    """Comma-separated values with a header; empty where there is nothing."""

    def __init__(self, columns: Sequence[Column], target: BinaryIO) -> None:
        """Write the header."""
        self._text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
        self._csv = csv.writer(self._text)
        self._converts = [_cell(column) for column in columns]
        self._csv.writerow([column.name for column in columns])

    def write(self, rows: Rows) -> None:
        """Write one chunk."""
        if rows:
            self._csv.writerows(zip(*_by_column(rows, self._converts), strict=True))

    def close(self) -> None:
        """Flush, and let go of the file without closing it."""
        self._text.detach()


def _cell(column: Column) -> Convert:
    if column.kind is Kind.TEXT:
        return _safe_text
    if column.kind is Kind.BOOL:
        return lambda value: "true" if value else "false"
    if column.kind is Kind.DATA:
        return lambda value: msgspec.json.encode(value).decode()
    return _plain(column)


def _safe_text(value: str | None) -> str | None:
    """Keep a spreadsheet from running what a caller wrote into a path."""
    return f"'{value}" if value and value.startswith(_FORMULA_STARTS) else value


class NdjsonWriter:
    """One JSON object per line."""

    def __init__(self, columns: Sequence[Column], target: BinaryIO) -> None:
        """There is no header: each line has the names."""
        self._target = target
        self._names = [column.name for column in columns]
        self._converts = [_plain(column) for column in columns]

    def write(self, rows: Rows) -> None:
        """Write one chunk."""
        if rows:
            names, cells = self._names, zip(*_by_column(rows, self._converts), strict=True)
            self._target.write(
                msgspec.json.Encoder().encode_lines(
                    [dict(zip(names, row, strict=True)) for row in cells]
                )
            )

    def close(self) -> None:
        """Leave the file as it is."""


class ParquetWriter:
    """Columns with types, compressed with Zstandard; one row group per chunk."""

    def __init__(self, columns: Sequence[Column], target: BinaryIO) -> None:
        """Write the magic bytes."""
        # 165 MB that only a worker needs, and only for this.
        import pyarrow as pa  # noqa: PLC0415 -- as said
        from pyarrow import parquet  # noqa: PLC0415 -- as said

        types = {
            Kind.TIME: pa.timestamp("us", tz="UTC"),
            Kind.TEXT: pa.string(),
            Kind.ID: pa.string(),
            Kind.DATA: pa.string(),
            Kind.INT: pa.int64(),
            Kind.BOOL: pa.bool_(),
            Kind.DECIMAL: pa.decimal128(30, 12),
        }
        self._pa = pa
        self._schema = pa.schema([(column.name, types[column.kind]) for column in columns])
        self._converts = [_typed(column) for column in columns]
        self._file = parquet.ParquetWriter(target, self._schema, compression="zstd")

    def write(self, rows: Rows) -> None:
        """Write one chunk."""
        if rows:
            cells = _by_column(rows, self._converts)
            arrays = [
                self._pa.array(values, type=field.type)
                for values, field in zip(cells, self._schema, strict=True)
            ]
            self._file.write_batch(self._pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._file.close()


def _typed(column: Column) -> Convert:
    if column.kind is Kind.ID:
        return _id_text(column)
    if column.kind is Kind.DATA:
        return lambda value: msgspec.json.encode(value).decode()
    return _same


_WRITERS: Final[dict[str, Callable[[Sequence[Column], BinaryIO], RowWriter]]] = {
    ExportFormat.CSV: CsvWriter,
    ExportFormat.NDJSON: NdjsonWriter,
    ExportFormat.PARQUET: ParquetWriter,
}

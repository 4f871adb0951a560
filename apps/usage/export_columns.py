"""The columns of exports: their names, what they hold, and who sees them.

Source: docs/domain/exports.md lists them for readers; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps.usage.enums import ExportSide, ExportSubject


class Kind(StrEnum):
    """What a column holds, which says how each format writes it."""

    TIME = "time"
    TEXT = "text"
    INT = "int"
    BOOL = "bool"
    DECIMAL = "decimal"
    ID = "id"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the file, the field that it is read from, its kind; of ids the public prefix."""

    name: str
    field: str
    kind: Kind
    prefix: str = ""


def _text(name: str, field: str = "") -> Column:
    return Column(name, field or name, Kind.TEXT)


def _int(name: str, field: str = "") -> Column:
    return Column(name, field or name, Kind.INT)


def _id(name: str, field: str, prefix: str = "") -> Column:
    return Column(name, field, Kind.ID, prefix)


def _time(name: str, field: str) -> Column:
    return Column(name, field, Kind.TIME)


_CONSUMER: Final = _id("consumer_organization_id", "consumer_organization_id", "org")
_PROVIDER: Final = _id("provider_organization_id", "provider_organization_id", "org")
_KEY: Final = _id("key_id", "key_id", "key")
_UPSTREAM: Final = _int("upstream_latency_ms")

_CALL_HEAD: Final = (_time("time", "occurred_at"), _id("call_id", "event_id"), _text("request_id"))
_CALL_PLACE: Final = (
    _id("subscription_id", "subscription_id", "sub"),
    _id("api_id", "api_id", "api"),
)
_CALL_BODY: Final = (
    _text("method"),
    _text("path"),
    _int("status"),
    _int("latency_ms"),
    _int("request_bytes"),
    _int("response_bytes"),
    _text("outcome"),
    Column("billed", "is_billable", Kind.BOOL),
)
_CALL_OPERATION: Final = (
    _time("decided_at", "decided_at"),
    _time("stored_at", "stored_at"),
    _id("batch_id", "batch_id", "bat"),
    _text("source"),
    Column("properties", "properties", Kind.DATA),
)
_WINDOW_HEAD: Final = (
    _time("window_start", "window_start"),
    _time("window_end", "window_end"),
    _id("window_id", "id", "win"),
    _id("subscription_id", "subscription_id", "sub"),
    _id("api_id", "api_id", "api"),
)
_WINDOW_BODY: Final = (
    _text("meter"),
    Column("quantity", "quantity", Kind.DECIMAL),
    _int("calls", "event_count"),
    _int("failed_calls", "error_count"),
    _int("revision"),
    _text("state", "status"),
)
_SERIES: Final = (
    _time("time", "at"),
    _int("calls", "events"),
    _int("billed_calls", "calls"),
    _int("failed_calls", "errors"),
)
# Each side reads its own fields: a consumer never how the upstream did, a provider never which key was used.
_COLUMNS: Final[dict[tuple[str, str], tuple[Column, ...]]] = {
    (ExportSubject.CALLS, ExportSide.CONSUMER): (*_CALL_HEAD, *_CALL_PLACE, _KEY, *_CALL_BODY),
    (ExportSubject.CALLS, ExportSide.PROVIDER): (
        *_CALL_HEAD,
        _CONSUMER,
        *_CALL_PLACE,
        *_CALL_BODY,
        _UPSTREAM,
    ),
    (ExportSubject.CALLS, ExportSide.OPERATOR): (
        *_CALL_HEAD,
        _CONSUMER,
        _PROVIDER,
        *_CALL_PLACE,
        _KEY,
        *_CALL_BODY,
        _UPSTREAM,
        *_CALL_OPERATION,
    ),
    (ExportSubject.WINDOWS, ExportSide.CONSUMER): (*_WINDOW_HEAD, *_WINDOW_BODY),
    (ExportSubject.WINDOWS, ExportSide.PROVIDER): (*_WINDOW_HEAD, _CONSUMER, *_WINDOW_BODY),
    (ExportSubject.WINDOWS, ExportSide.OPERATOR): (
        *_WINDOW_HEAD,
        _CONSUMER,
        _PROVIDER,
        *_WINDOW_BODY,
    ),
}


def columns_of(subject: str, side: str) -> tuple[Column, ...]:
    """Return the columns that a side gets of a subject, in the order of the file."""
    return _SERIES if subject == ExportSubject.SERIES else _COLUMNS[subject, side]

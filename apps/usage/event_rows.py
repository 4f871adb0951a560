"""Events as rows of COPY's binary format: PostgreSQL parses no text, and what repeats within a batch is written once.

A row is its count of columns, then each value behind its length; NULL is the length -1. All numbers are big-endian.

Source: PostgreSQL, COPY, section "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from django.db import connection

from apps.core import clock
from apps.usage.event_schema import clean_path, clean_text
from apps.usage.instants import to_us
from apps.usage.placement import Place, Placed

_COLUMNS: Final = (
    # Different in each row, of fixed length:
    "event_id, occurred_at, decided_at, status, latency_ms, request_bytes, response_bytes,"
    # equal for all calls of one key and source:
    " stored_at, batch_id, consumer_organization_id, provider_organization_id, subscription_id, key_id, api_id, source,"
    # few different ones:
    " method, outcome, is_billable,"
    # the rest:
    " upstream_latency_ms, path, request_id, properties"
)
_COLUMN_COUNT: Final = _COLUMNS.count(",") + 1
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_JSONB_VERSION: Final = b"\x01"

_pack_head: Final = struct.Struct(">h i16s iq iq ih ii iq iq").pack
_pack_int: Final = struct.Struct(">ii").pack
_pack_bigint: Final = struct.Struct(">iq").pack
_pack_length: Final = struct.Struct(">i").pack


def store_events(placed: Sequence[Placed], *, batch_id: UUID) -> None:
    """Store events by one COPY.

    Raises:
        django.db.DatabaseError: PostgreSQL refuses a value, for example a NUL in the properties.
        ValueError: a number fits no column.
    """
    rows = _encode_rows(placed, batch_id)
    # COPY goes past Django's cursor, so its errors are translated here.
    with connection.cursor() as wrapper, connection.wrap_database_errors:
        statement = f"COPY usage_usageevent ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
        with wrapper.cursor.copy(statement) as copy:
            copy.write(rows)


def _encode_rows(placed: Sequence[Placed], batch_id: UUID) -> bytes:
    stored_at = _pack_bigint(8, to_us(clock.now()))
    shared: dict[tuple[Place, str], bytes] = {}
    kinds: dict[tuple[str, str, bool], bytes] = {}
    pieces = [_HEADER]
    add = pieces.append
    for item in placed:
        event = item.event
        place = shared.get((item.place, event.source))
        if place is None:
            place = stored_at + _uuid(batch_id) + _encode_place(item.place, event.source)
            shared[item.place, event.source] = place
        kind = kinds.get((event.method, event.outcome, item.is_billable))
        if kind is None:
            kind = _encode_kind(event.method, event.outcome, is_billable=item.is_billable)
            kinds[event.method, event.outcome, item.is_billable] = kind
        upstream = event.upstream_latency_ms
        path = clean_path(event.path).encode()
        request_id = clean_text(event.request_id)[:64].encode()
        try:
            add(_encode_head(item))
            add(place)
            add(kind)
            add(_NULL if upstream is None else _pack_int(4, round(upstream)))
        except struct.error as error:
            msg = f"event {event.id}: a number fits no column: {error}"
            raise ValueError(msg) from None
        add(_pack_length(len(path)))
        add(path)
        add(_pack_length(len(request_id)))
        add(request_id)
        add(_encode_properties(event.properties) if event.properties else _NO_PROPERTIES)
    add(_TRAILER)
    return b"".join(pieces)


def _encode_head(item: Placed) -> bytes:
    event = item.event
    return _pack_head(
        _COLUMN_COUNT,
        16,
        event.id.int.to_bytes(16, "big"),
        8,
        item.occurred_us,
        8,
        item.decided_us,
        2,
        event.status or 0,
        4,
        round(event.latency_ms or 0),
        8,
        event.request_bytes or 0,
        8,
        event.response_bytes or 0,
    )


def _encode_place(place: Place, source: str) -> bytes:
    return b"".join(
        (
            _uuid(place.consumer_id),
            _uuid(place.provider_id),
            _uuid(place.subscription_id),
            _NULL if place.key_id is None else _uuid(place.key_id),
            _uuid(place.api_id),
            _value(clean_text(source).encode()),
        )
    )


def _encode_kind(method: str, outcome: str, *, is_billable: bool) -> bytes:
    flag = b"\x01" if is_billable else b"\0"
    return _value(clean_text(method).encode()) + _value(outcome.encode()) + _value(flag)


def _encode_properties(properties: dict[str, object]) -> bytes:
    return _value(_JSONB_VERSION + msgspec.json.encode(properties))


def _uuid(value: UUID) -> bytes:
    return _value(value.bytes)


def _value(data: bytes) -> bytes:
    return _pack_length(len(data)) + data


_NO_PROPERTIES: Final = _encode_properties({})

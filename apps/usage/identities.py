"""The identities of events: one row for each id, so that an event is counted once whatever is sent again."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from django.db import connection, transaction
from psycopg import Cursor
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.errors import UniqueViolation
from psycopg.pq import Format

from apps.usage.event_schema import body_hash
from apps.usage.placement import Placed

_INSERT: Final = """
    INSERT INTO usage_usageeventkey (event_id, body_hash, occurred_at) SELECT * FROM unnest(%b, %b, %b)
"""
_INSERT_NEW: Final = f"{_INSERT} ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
_STORED: Final = "SELECT event_id, body_hash FROM usage_usageeventkey WHERE event_id = ANY(%s)"

_pack_array_header: Final = struct.Struct(">iiIii").pack
_pack_length: Final = struct.Struct(">i").pack
_pack_bigint: Final = struct.Struct(">q").pack


class _Array:
    """A one-dimensional array in PostgreSQL's binary form: psycopg would write its elements one by one, as text."""

    element_oid: ClassVar[int]

    def __init__(self, elements: Sequence[bytes]) -> None:
        # Elements of an array have one length here, so the length is the separator.
        length = _pack_length(len(elements[0]))
        header = _pack_array_header(1, 0, self.element_oid, len(elements), 1)
        self.data = header + length + length.join(elements)


class _Uuids(_Array):
    element_oid = 2950  # uuid


class _Hashes(_Array):
    element_oid = 17  # bytea


class _Instants(_Array):
    element_oid = 1184  # timestamptz


class _ArrayDumper(Dumper):
    """Hands over what is binary already; the number of the type is PostgreSQL's own, the same on every server."""

    format = Format.BINARY

    def dump(self, obj: _Array) -> Buffer:
        return obj.data


class _UuidsDumper(_ArrayDumper):
    oid = 2951  # uuid[]


class _HashesDumper(_ArrayDumper):
    oid = 1001  # bytea[]


class _InstantsDumper(_ArrayDumper):
    oid = 1185  # timestamptz[]


_DUMPERS: Final[Iterable[tuple[type[_Array], type[Dumper]]]] = (
    (_Uuids, _UuidsDumper),
    (_Hashes, _HashesDumper),
    (_Instants, _InstantsDumper),
)


def claim_identities(
    placed: Sequence[Placed],
) -> tuple[list[Placed], list[Placed], list[tuple[Placed, bytes]]]:
    """Insert the ids of events, which are sorted by id; the unique index decides which are new.

    Returns the new ones, those stored before with the same body, and those stored before with another one,
    whose hash comes with them.
    """
    if not placed:
        return [], [], []
    hashes = [body_hash(item.event) for item in placed]
    with connection.cursor(), connection.wrap_database_errors:
        # Django's own cursor writes parameters into the statement, as text.
        cursor: Cursor[Any] = Cursor(connection.connection)
        for kind, dumper in _DUMPERS:
            cursor.adapters.register_dumper(kind, dumper)
        values = [
            _Uuids([item.event.id.int.to_bytes(16, "big") for item in placed]),
            _Hashes(hashes),
            _Instants([_pack_bigint(item.occurred_us) for item in placed]),
        ]
        try:
            # Nearly always all are new, and a plain insert costs PostgreSQL a third less.
            with transaction.atomic():
                cursor.execute(_INSERT, values)
        except UniqueViolation:
            cursor.execute(_INSERT_NEW, values)
        else:
            return list(placed), [], []
        new_ids = {row[0] for row in cursor.fetchall()}
        known = [item.event.id for item in placed if item.event.id not in new_ids]
        cursor.execute(_STORED, [known])
        stored = {row[0]: bytes(row[1]) for row in cursor.fetchall()}
    new: list[Placed] = []
    same: list[Placed] = []
    other: list[tuple[Placed, bytes]] = []
    for item, digest in zip(placed, hashes, strict=True):
        if item.event.id in new_ids:
            new.append(item)
        elif stored[item.event.id] == digest:
            same.append(item)
        else:
            other.append((item, stored[item.event.id]))
    return new, same, other

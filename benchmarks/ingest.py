"""Events per second from POST to windows, against raw COPY of the same rows into an equal table.

Both sides run in turn on one durable PostgreSQL, several rounds, after a round that is not counted. Ours: gzip JSON batches as
the shipper sends them (the real view, through Django's handler) into the inbox, then one processor, in the same
process, until the windows are filled. The limit: one COPY, one transaction, of the rows that ours stored, into a table
with the same columns, partitions, primary key and indexes, in the binary format (the faster one, and the one that our own COPY
uses). COPY into a bare heap is measured too: it shows what the indexes cost.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.test import Client

from apps.core import clock
from apps.core.partitions import ensure_monthly_partitions
from apps.keys.models import ApiKey
from apps.usage.models import UsageEvent, UsageWindow
from apps.usage.processing import process_next_batch
from benchmarks.usage_batches import EVENTS_PER_BATCH, INTAKE_PATH, headers_of, make_batch

BATCHES: Final = 20
ROUNDS: Final = 5
CHUNK_BYTES: Final = 64 * 1024

_TWINS: Final = {
    "bench_event": """
        CREATE TABLE bench_event (LIKE usage_usageevent INCLUDING ALL) PARTITION BY RANGE (occurred_at);
        CREATE TABLE bench_event_default PARTITION OF bench_event DEFAULT;
    """,
    "bench_heap": "CREATE TABLE bench_heap (LIKE usage_usageevent)",
}


@dataclass(frozen=True)
class Round:
    """Events per second of each side, in one round."""

    ours: float
    copy: float
    heap: float


def run(keys: Sequence[ApiKey]) -> list[Round]:
    """Return each counted round."""
    with connection.cursor() as cursor:
        for create in _TWINS.values():
            cursor.execute(create)
    ensure_monthly_partitions("bench_event")
    return [_round(keys, number) for number in range(ROUNDS + 1)][1:]


def _round(keys: Sequence[ApiKey], number: int) -> Round:
    bodies = [make_batch(keys) for _batch in range(BATCHES)]
    events = EVENTS_PER_BATCH * BATCHES
    began_at = clock.now()
    took = ingest(bodies, number)
    _check(events * (number + 1))
    return Round(
        ours=events / took,
        copy=events / _copy("bench_event", began_at),
        heap=events / _copy("bench_heap", began_at),
    )


def _check(total: int) -> None:
    counted = sum(window.event_count for window in UsageWindow.objects.all())
    stored = UsageEvent.objects.count()
    if counted != total or stored != total:
        msg = f"{counted} events in windows, {stored} stored, {total} sent"
        raise RuntimeError(msg)


def ingest(bodies: Sequence[bytes], number: int) -> float:
    """POST batches and process them, in this process; return the seconds. `number` names the round."""
    client = Client()
    gc.collect()  # what building the batches left behind is nobody's cost
    began = time.perf_counter()
    for index, body in enumerate(bodies):
        answer = client.post(
            INTAKE_PATH,
            data=body,
            content_type="application/json",
            headers=headers_of(f"bench-{number}-{index}"),
        )
        if answer.status_code != 202:
            raise RuntimeError(answer.content.decode())
    while process_next_batch():
        pass
    return time.perf_counter() - began


def _copy(table: str, began_at: Any) -> float:
    """COPY the round's rows into a twin, fed chunk by chunk as a client would; return the seconds."""
    with connection.cursor() as wrapper:
        raw = wrapper.cursor
        rows = "SELECT * FROM usage_usageevent WHERE stored_at >= %s ORDER BY stored_at, event_id"
        with raw.copy(f"COPY ({rows}) TO STDOUT (FORMAT BINARY)", [began_at]) as copy:
            data = b"".join(bytes(chunk) for chunk in copy)
        began = time.perf_counter()
        with raw.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
            for start in range(0, len(data), CHUNK_BYTES):
                copy.write(data[start : start + CHUNK_BYTES])
        return time.perf_counter() - began

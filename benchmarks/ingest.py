"""Events per second from POST to windows, against raw COPY of the same rows into an equal table.

Both sides run in turn on one durable PostgreSQL, several rounds, after a round that is not counted. Ours: gzip JSON batches as
the shipper sends them (the real view, through Django's handler) into the inbox, then one processor, in the same
process, until the windows are filled. The limit: one COPY, one transaction, of the rows that ours stored, into a table
with the same columns, partitions, primary key and indexes, in the binary format (the faster one, and the one that our own COPY
uses). COPY into a bare heap is measured too: it shows what the indexes cost.
"""

from __future__ import annotations

import gc
import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.test import Client

from apps.accounts.services.platform_tokens import adopt_platform_token
from apps.core import clock
from apps.core.actors import Actor
from apps.core.ids import uuid7
from apps.core.partitions import ensure_monthly_partitions
from apps.keys.models import ApiKey
from apps.usage.models import UsageEvent, UsageWindow
from apps.usage.processing import process_next_batch

TOKEN: Final = "tgt_" + "b" * 40
EVENTS_PER_BATCH: Final = 2_000
BATCHES: Final = 20
ROUNDS: Final = 5
PATHS: Final = 500
CHUNK_BYTES: Final = 64 * 1024
# One call in fifty fails: it is stored and counted, not billed, and gives its quota back.
FAILS_EVERY: Final = 50

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
    ensure_monthly_partitions("usage_usageevent")
    adopt_platform_token(
        name="bench",
        secret=TOKEN,
        permissions=frozenset({"usage.write"}),
        actor=Actor.system("benchmark"),
    )
    with connection.cursor() as cursor:
        for create in _TWINS.values():
            cursor.execute(create)
    ensure_monthly_partitions("bench_event")
    return [_round(keys, number) for number in range(ROUNDS + 1)][1:]


def _round(keys: Sequence[ApiKey], number: int) -> Round:
    bodies = [_body(keys) for _batch in range(BATCHES)]
    events = EVENTS_PER_BATCH * BATCHES
    began_at = clock.now()
    took = _ingest(bodies, number)
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


def _body(keys: Sequence[ApiKey]) -> bytes:
    """Return a batch as the shipper writes it."""
    now = clock.now()
    events: list[dict[str, Any]] = []
    for number in range(EVENTS_PER_BATCH):
        key = keys[number * 7 % len(keys)]
        decided_at = now + timedelta(milliseconds=number)
        events.append(
            {
                "id": str(uuid7()),
                "source": "gateway",
                "occurred_at": decided_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "request_id": str(uuid7()),
                "key_id": key.public_id,
                "subscription_id": key.subscription.public_id,
                "api_id": key.subscription.api.public_id,
                "method": "GET",
                "path": f"/v1/cities/{number % PATHS}",
                "status": 200 if number % FAILS_EVERY else 503,
                "latency_ms": 12.345 + number % 100,
                "upstream_latency_ms": 10.123 + number % 100,
                "request_bytes": 0,
                "response_bytes": 320 + number % 1000,
                "outcome": "completed",
                "properties": {},
            }
        )
    report = {"node": "bench", "oldest_unshipped_at": now.isoformat()}
    text = json.dumps({"shipper": report, "events": events}, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=5, mtime=0)


def _ingest(bodies: list[bytes], number: int) -> float:
    client = Client()
    gc.collect()  # what building the batches left behind is nobody's cost
    began = time.perf_counter()
    for index, body in enumerate(bodies):
        answer = client.post(
            "/api/v1/usage/events",
            data=body,
            content_type="application/json",
            headers={
                "Authorization": f"Bearer {TOKEN}",
                "Content-Encoding": "gzip",
                "Idempotency-Key": f"bench-{number}-{index}",
            },
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

"""Events per second from POST to windows, against raw COPY of the same rows into the same table.

Both sides run in one run on one PostgreSQL. Ours: gzip JSON batches over HTTP semantics (the real view, through Django's
handler) into the inbox, then one processor until the windows are filled. The limit: COPY of the rows that ours stored
into an equal, empty, partitioned table with the same indexes.
"""

from __future__ import annotations

import gzip
import json
import time
from typing import Any, Final

from django.db import connection
from django.test import Client

from apps.accounts.services.platform_tokens import adopt_platform_token
from apps.core import clock
from apps.core.actors import Actor
from apps.core.ids import uuid7
from apps.core.partitions import ensure_monthly_partitions
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageEvent, UsageWindow
from apps.usage.processing import EVENT_COLUMNS, process_next_batch

TOKEN: Final = "tgt_" + "b" * 40
EVENTS_PER_BATCH: Final = 2_000
BATCHES: Final = 20


def run(subscription: Subscription) -> tuple[float, float]:
    """Return events per second of ours and of raw COPY."""
    ensure_monthly_partitions("usage_usageevent")
    adopt_platform_token(
        name="bench",
        secret=TOKEN,
        permissions=frozenset({"usage.write"}),
        actor=Actor.system("benchmark"),
    )
    bodies = [_body(subscription) for _number in range(BATCHES)]
    total = EVENTS_PER_BATCH * BATCHES
    ours = total / _ingest(bodies)
    counted = sum(window.event_count for window in UsageWindow.objects.all())
    if counted != total or UsageEvent.objects.count() != total:
        msg = f"{counted} events in windows, {UsageEvent.objects.count()} stored, {total} sent"
        raise RuntimeError(msg)
    return ours, total / _copy()


def _body(subscription: Subscription) -> bytes:
    now = clock.now().isoformat()
    events: list[dict[str, Any]] = [
        {
            "id": str(uuid7()),
            "source": "gateway",
            "occurred_at": now,
            "request_id": str(uuid7()),
            "key_id": None,
            "subscription_id": subscription.public_id,
            "api_id": subscription.api.public_id,
            "method": "GET",
            "path": f"/v1/cities/{number}",
            "status": 200,
            "latency_ms": 12.5,
            "upstream_latency_ms": 10.0,
            "request_bytes": 0,
            "response_bytes": 320,
            "outcome": "completed",
            "properties": {},
        }
        for number in range(EVENTS_PER_BATCH)
    ]
    return gzip.compress(json.dumps({"events": events}).encode(), compresslevel=1)


def _ingest(bodies: list[bytes]) -> float:
    client = Client()
    began = time.perf_counter()
    for number, body in enumerate(bodies):
        answer = client.post(
            "/api/v1/usage/events",
            data=body,
            content_type="application/json",
            headers={
                "Authorization": f"Bearer {TOKEN}",
                "Content-Encoding": "gzip",
                "Idempotency-Key": f"bench-{number}",
            },
        )
        if answer.status_code != 202:
            raise RuntimeError(answer.content.decode())
    while process_next_batch():
        pass
    return time.perf_counter() - began


def _copy() -> float:
    """COPY what was stored into a twin table, fed row by row as a client would."""
    with connection.cursor() as wrapper:
        wrapper.execute("CREATE TABLE bench_event (LIKE usage_usageevent INCLUDING ALL)")
        raw = wrapper.cursor
        with raw.copy(f"COPY (SELECT {EVENT_COLUMNS} FROM usage_usageevent) TO STDOUT") as copy:  # noqa: S608 -- constant columns
            chunks = [bytes(chunk) for chunk in copy]
        began = time.perf_counter()
        with raw.copy(f"COPY bench_event ({EVENT_COLUMNS}) FROM STDIN") as copy:
            for chunk in chunks:
                copy.write(chunk)
        took = time.perf_counter() - began
        wrapper.execute("DROP TABLE bench_event")
    return took

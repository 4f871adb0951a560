"""Batches of usage events as the shipper writes them, and the token that they are sent with."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from apps.accounts.services.platform_tokens import adopt_platform_token
from apps.core import clock
from apps.core.actors import Actor
from apps.core.ids import uuid7
from apps.core.partitions import ensure_monthly_partitions
from apps.keys.models import ApiKey
from tests.factories.keys import make_key

TOKEN: Final = "tgt_" + "b" * 40
KEYS: Final = 10
EVENTS_PER_BATCH: Final = 2_000
PATHS: Final = 500
# One call in fifty fails: it is stored and counted, not billed, and gives its quota back.
FAILS_EVERY: Final = 50
INTAKE_PATH: Final = "/api/v1/usage/events"


def prepare() -> list[ApiKey]:
    """Make partitions, the shipper's token, and keys to call with."""
    ensure_monthly_partitions("usage_usageevent")
    adopt_platform_token(
        name="bench",
        secret=TOKEN,
        permissions=frozenset({"usage.write"}),
        actor=Actor.system("benchmark"),
    )
    return [make_key().key for _number in range(KEYS)]


def headers_of(batch_key: str) -> dict[str, str]:
    """Return what the shipper sends beside a batch."""
    return {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "Idempotency-Key": batch_key,
    }


def make_batch(keys: Sequence[ApiKey]) -> bytes:
    """Return a batch of `EVENTS_PER_BATCH` calls, one a millisecond from now on."""
    now = clock.now()
    return encode_batch(
        keys, [now + timedelta(milliseconds=number) for number in range(EVENTS_PER_BATCH)]
    )


def encode_batch(keys: Sequence[ApiKey], moments: Iterable[datetime]) -> bytes:
    """Return a batch with one call at each moment, compressed."""
    events = [_event(keys[number * 7 % len(keys)], number, at) for number, at in enumerate(moments)]
    report = {"node": "bench", "oldest_unshipped_at": clock.now().isoformat()}
    text = json.dumps({"shipper": report, "events": events}, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=5, mtime=0)


def _event(key: ApiKey, number: int, decided_at: datetime) -> dict[str, Any]:
    return {
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

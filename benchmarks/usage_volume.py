"""POST to windows with ten million stored events against empty tables.

The stored events lie in this month's partition, with ids of their times, as the gateway mints them: what new events
find is a large index, not only a large table. `BENCH_EVENTS` sets another number; ten million take some 6 GB.
"""

from __future__ import annotations

import os
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

if TYPE_CHECKING:
    from apps.keys.models import ApiKey

STORED_EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "10000000"))
BATCHES: Final = 20
ROUNDS: Final = 3
GOAL: Final = 0.8

# Fifty calls a second until now, so that all of them lie before what comes.
_SEED: Final = """
    WITH stored AS MATERIALIZED (
        SELECT uuidv7(moment - now()) AS event_id, moment, n
        FROM (
            SELECT now() - interval '1 minute' - (%(stored)s - n) * interval '20 ms' AS moment, n
            FROM generate_series(%(first)s, %(last)s) AS n
        ) call
    ), keys AS (
        INSERT INTO usage_usageeventkey (event_id, body_hash, occurred_at)
        SELECT event_id, uuid_send(event_id), moment FROM stored
    )
    INSERT INTO usage_usageevent (event_id, occurred_at, decided_at, stored_at, batch_id, source,
        consumer_organization_id, provider_organization_id, subscription_id, key_id, api_id, method, path, status,
        latency_ms, request_bytes, response_bytes, request_id, outcome, is_billable, properties)
    SELECT event_id, moment, moment, moment, %(batch)s, 'gateway', %(consumer)s, %(provider)s, %(subscription)s,
        %(key)s, %(api)s, 'GET', '/v1/cities/' || n %% 500, 200, 12, 0, 512, event_id::text, 'completed', true, '{}'
    FROM stored
"""


def measure() -> list[Measure]:
    """Measure some rounds, store the events, and measure again."""
    with durable_servers():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from benchmarks.stored_calls import tell  # noqa: PLC0415 -- after django.setup()
    from benchmarks.usage_batches import prepare  # noqa: PLC0415 -- see above

    keys = prepare()
    empty = _rate(keys, first=0)
    tell(f"empty tables: {empty:,.0f} events/s")
    seeding_s = _seed(keys)
    full = _rate(keys, first=ROUNDS + 1)
    unit = "events/s"
    note = f"stored within {seeding_s:,.0f} s"
    return [
        Measure("POST to windows, empty tables", empty, unit),
        Measure(f"POST to windows, {STORED_EVENTS:,} events stored", full, unit, note=note),
        Measure("full tables / empty", full / empty, "ratio", GOAL),
    ]


def _rate(keys: list[ApiKey], *, first: int) -> float:
    """Return events per second: the median of the rounds, after one that is not counted."""
    from benchmarks.ingest import ingest  # noqa: PLC0415 -- after django.setup()
    from benchmarks.usage_batches import EVENTS_PER_BATCH, make_batch  # noqa: PLC0415 -- see above

    rates = []
    for number in range(first, first + ROUNDS + 1):
        bodies = [make_batch(keys) for _batch in range(BATCHES)]
        rates.append(BATCHES * EVENTS_PER_BATCH / ingest(bodies, number))
    return median(rates[1:])


def _seed(keys: list[ApiKey]) -> float:
    """Store the events, and let the server write them out; return the seconds."""
    from benchmarks.stored_calls import store, tidy  # noqa: PLC0415 -- after django.setup()

    taken = store(_SEED, lambda chunk: _values(keys[chunk % len(keys)]), STORED_EVENTS)
    tidy(["usage_usageevent", "usage_usageeventkey"])
    return taken


def _values(key: ApiKey) -> dict[str, Any]:
    """Return the parameters of events of one key."""
    from apps.core.ids import uuid7  # noqa: PLC0415 -- after django.setup()

    subscription = key.subscription
    return {
        "stored": STORED_EVENTS,
        "batch": uuid7(),
        "consumer": subscription.consumer_organization_id,
        "provider": subscription.provider_organization_id,
        "subscription": subscription.pk,
        "key": key.pk,
        "api": subscription.api_id,
    }

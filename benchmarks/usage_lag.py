"""From a call's decision to its window, at a steady rate: one web process and one usage processor.

Calls come at their due times whatever becomes of those before (open loop), and are posted as the shipper posts them: every
half second what was decided in it. The lag of a call ends when the transaction that counts it is about to commit,
which takes it a millisecond more. Gateway and shipper are not part of it: on a machine of two cores they, the load and the database
would measure each other.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

if TYPE_CHECKING:
    from datetime import datetime

    from apps.keys.models import ApiKey

CALLS_PER_S: Final = 2_000
BATCH_EVERY_S: Final = 0.5
SECONDS: Final = 30
WARM_UP_S: Final = 3
LIMIT_S: Final = 5.0
SENDERS: Final = 4

_LAGS: Final = """
    SELECT count(*),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM batch.processed_at - event.decided_at)),
        percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM batch.processed_at - event.decided_at)),
        max(extract(epoch FROM batch.processed_at - event.decided_at))
    FROM usage_usageevent AS event JOIN usage_usagebatch AS batch ON batch.id = event.batch_id
    WHERE event.decided_at >= %s
"""


def measure() -> list[Measure]:
    """Return the 99th percentile over half a minute, after some seconds that are not counted."""
    with durable_servers():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from benchmarks.usage_batches import prepare  # noqa: PLC0415 -- see above
    from benchmarks.usage_processes import (  # noqa: PLC0415 -- see above
        Processor,
        one_web,
        wait_until_processed,
        working_folder,
    )
    from tests.apps.gateway.dataplane.harness import running  # noqa: PLC0415 -- see above

    keys = prepare()
    with one_web() as web, working_folder() as folder, running(Processor(folder, "bench")):
        counted_from = _call(keys, web.url)
        wait_until_processed()
    with connection.cursor() as cursor:
        cursor.execute(_LAGS, [counted_from])
        count, median, p99, longest = cursor.fetchone()
    note = f"{count:,} calls posted as batches; median {median:.2f} s, longest {longest:.2f} s"
    return [
        Measure(f"lag at {CALLS_PER_S:,} calls/s, p99", float(p99), "s", at_most=LIMIT_S, note=note)
    ]


def _call(keys: list[ApiKey], web_url: str) -> datetime:
    """Post the calls of each half second as it ends; return when the counted ones began."""
    import httpx  # noqa: PLC0415 -- beside what needs it

    from apps.core import clock  # noqa: PLC0415 -- after django.setup()
    from benchmarks.usage_batches import encode_batch  # noqa: PLC0415 -- see above
    from benchmarks.usage_processes import post  # noqa: PLC0415 -- see above

    size = int(CALLS_PER_S * BATCH_EVERY_S)
    gap = timedelta(seconds=1 / CALLS_PER_S)
    began_at = clock.now()
    with (
        httpx.Client(base_url=web_url, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(SENDERS) as pool,
    ):
        posts = []
        for number in range(int((WARM_UP_S + SECONDS) / BATCH_EVERY_S)):
            from_at = began_at + timedelta(seconds=number * BATCH_EVERY_S)
            until_at = from_at + timedelta(seconds=BATCH_EVERY_S)
            time.sleep(max(0.0, (until_at - clock.now()).total_seconds()))
            body = encode_batch(keys, [from_at + gap * index for index in range(size)])
            posts.append(pool.submit(post, client, body, f"lag-{number}"))
        for done in posts:
            done.result()
    return began_at + timedelta(seconds=WARM_UP_S)

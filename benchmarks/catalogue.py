"""Searching a catalogue of 100 000 listings: the time of whole requests, on a PostgreSQL of this run's own.

A mix of what people ask: words that are rare, common and half typed, several at once, mistyped ones, filters alone
and together, every order, later pages. The number of queries is counted too: it must not depend on the catalogue.

Two times are taken of each request: that of the clock, which grows when others use the machine, and that of the
processor, of this process and of its PostgreSQL together. The limit is for the second one, and for the first on a
machine that does nothing else.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import django

from benchmarks.results import Measure
from deploy.local.throwaway import ThrowawayServers
from tests.template_database import TEMPLATE_NAME, get_template

LISTINGS: Final = 100_000
REQUESTS: Final = 600
WARM_UP: Final = 60
LIMIT_MS: Final = 50.0
MOST_QUERIES: Final = 7
API: Final = "/api/v1/marketplace/apis"
PAGE: Final = "/apis/"
SORTS: Final = ("trending", "popular", "rating", "newest", "latency", "price")


def measure() -> list[Measure]:
    """Fill the catalogue, ask REST and the page, and return medians and 95th percentiles."""
    # The template is migrated with these settings too.
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings.test"
    with ThrowawayServers() as servers:
        servers.start_valkey()
        template = get_template(servers)
        servers.start_postgres(copy_of=template.folder, password=template.password)
        address, _, _ = servers.database_url.rpartition("/")
        os.environ |= {
            "DATABASE_URL": f"{address}/{TEMPLATE_NAME}",
            "REDIS_URL": servers.redis_url,
            "BROKER_URL": servers.redis_url,
            "LOG_LEVEL": "WARNING",
        }
        django.setup()
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from benchmarks.listings import fill_catalogue  # noqa: PLC0415 -- see above

    try:
        words = fill_catalogue(LISTINGS)
        rest, rest_queries = _ask(API, words)
        page, page_queries = _ask(PAGE, words)
    finally:
        connection.close()
    size = f"{LISTINGS:,} listings"
    most = max(rest_queries, page_queries)
    return [
        *_times(f"catalogue search by REST over {size}", rest, LIMIT_MS),
        *_times(f"catalogue page over {size}", page, 2 * LIMIT_MS),
        Measure("queries of the request with most", most, "queries", at_most=MOST_QUERIES),
    ]


def _times(name: str, taken: list[Taken], limit: float) -> list[Measure]:
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    clock = sorted(each.clock_ms for each in taken)
    processor = sorted(each.processor_ms for each in taken)
    return [
        Measure(f"{name}, median", clock[len(clock) // 2], "ms", note=load),
        Measure(f"{name}, p95", _p95(clock), "ms", at_most=limit, note=load),
        Measure(f"{name}, p95 of processor time", _p95(processor), "ms", at_most=limit),
    ]


class Taken(NamedTuple):
    """What a request took, by the clock and of processors."""

    clock_ms: float
    processor_ms: float


def _processor_ms(backend: int) -> float:
    """Return the processor time of this process and of its PostgreSQL backend so far."""
    own_ns = time.process_time_ns()
    # Where the kernel does not tell, the backend's part is missing.
    known = Path(f"/proc/{backend}/schedstat")
    backend_ns = int(known.read_text().split()[0]) if known.exists() else 0
    return (own_ns + backend_ns) / 1e6


def _ask(path: str, words: list[str]) -> tuple[list[Taken], int]:
    """Return what each request took, and the most queries that one of them made."""
    from django.db import connection  # noqa: PLC0415 -- after django.setup()
    from django.test import Client  # noqa: PLC0415 -- see above
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 -- see above

    client, taken, most = Client(), [], 0
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    for number, query in enumerate(islice(_queries(words), WARM_UP + REQUESTS)):
        processor, started = _processor_ms(backend), time.perf_counter()
        answer = client.get(f"{path}?{query}")
        elapsed = (time.perf_counter() - started) * 1000
        used = _processor_ms(backend) - processor
        assert answer.status_code == 200, query  # noqa: S101 -- a broken request measures nothing
        if number >= WARM_UP:
            taken.append(Taken(elapsed, used))
            if os.environ.get("BENCH_SLOW"):
                print(f"{elapsed:7.1f} {used:7.1f} {query}")
        if number % 20 == 0:
            with CaptureQueriesContext(connection) as context:
                client.get(f"{path}?{query}")
            most = max(most, len(context))
    return taken, most


def _queries(words: list[str]) -> Iterator[str]:
    rng = random.Random(1)  # noqa: S311 -- a reproducible mix needs no secrecy
    categories = [f"category-{number}" for number in range(12)]

    def filters() -> list[str]:
        choices = [
            f"category={rng.choice(categories)}",
            f"price_model={rng.choice(('flat', 'per_unit', 'package', 'volume'))}",
            "free=true",
            f"rating={rng.choice(('3', '4', '4.5'))}",
            f"latency={rng.choice((50, 100, 250))}",
        ]
        return rng.sample(choices, rng.choice((1, 1, 2, 3)))

    while True:
        common, rare = rng.choice(words[:40]), words[int(len(words) * rng.random())]
        yield f"q={rare}"
        yield f"q={common}"
        yield f"q={rare[:4]}"
        yield f"q={common[:3]}"
        yield f"q={common}+{rng.choice(words[:400])}"
        yield f"q={_mistyped(rng.choice(words[:40]), rng)}"
        yield "&".join(filters())
        yield "&".join([f"q={common}", *filters()])
        yield f"sort={rng.choice(SORTS)}"
        yield "&".join([f"sort={rng.choice(SORTS)}", *filters()])
        yield f"tag={rng.choice(words[:2000])}"
        yield f"page={rng.randrange(2, 20)}&sort={rng.choice(SORTS)}"


def _mistyped(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:place] + word[place + 1 :]
    if kind == 1:
        return word[:place] + "q" + word[place + 1 :]
    return word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]


def _p95(taken: list[float]) -> float:
    return taken[int(len(taken) * 0.95)]

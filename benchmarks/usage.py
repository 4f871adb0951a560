"""Intake to windows against raw COPY, on a PostgreSQL of this run's own."""

from __future__ import annotations

from statistics import median
from typing import Final

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

GOAL: Final = 0.2


def measure() -> list[Measure]:
    """Measure both sides, round by round, and return the medians."""
    with durable_servers():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from benchmarks.ingest import run  # noqa: PLC0415 -- after django.setup()
    from benchmarks.usage_batches import prepare  # noqa: PLC0415 -- see above

    rounds = run(prepare())
    ratio = median(each.ours / each.copy for each in rounds)
    unit = "events/s"
    return [
        Measure("COPY into a bare heap", median(each.heap for each in rounds), unit),
        Measure("COPY into an equal table", median(each.copy for each in rounds), unit),
        Measure("POST to windows, one processor", median(each.ours for each in rounds), unit),
        Measure("POST to windows / COPY into an equal table", ratio, "ratio", GOAL),
    ]

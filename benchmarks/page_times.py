"""How long pages take, and how much of it is work of this process and of PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.results import Measure

WARM_UP: Final = 3
ROUNDS: Final = 12

# A name, a signed-in client, an address, and the most milliseconds that are wanted.
Page = tuple[str, Any, str, float | None]


@dataclass(frozen=True, slots=True)
class Opened:
    """One answer: milliseconds by the clock, of this process's work, and of PostgreSQL's for this connection."""

    taken: float
    here: float
    database: float


def time_pages(pages: Sequence[Page]) -> list[Measure]:
    """Open each page some times and return the medians; all pages in turn, so that none is luckier."""
    found: list[list[Opened]] = [[] for _page in pages]
    for _round in range(WARM_UP + ROUNDS):
        for opened, (_name, client, path, _limit) in zip(found, pages, strict=True):
            opened.append(_open(client, path))
    return [
        _measure(name, opened[WARM_UP:], limit)
        for opened, (name, _client, _path, limit) in zip(found, pages, strict=True)
    ]


def _measure(name: str, opened: Sequence[Opened], limit: float | None) -> Measure:
    here = median(item.here for item in opened)
    database = median(item.database for item in opened)
    note = f"work: {here:.0f} ms here, {database:.0f} ms in PostgreSQL"
    return Measure(name, median(item.taken for item in opened), "ms", at_most=limit, note=note)


def _open(client: Any, path: str) -> Opened:
    schedule = _schedule_of_database()
    before_ns, began, worked = _on_processor_ns(schedule), time.perf_counter(), time.process_time()
    answer = client.get(path)
    here, taken = time.process_time() - worked, time.perf_counter() - began
    database_ns = _on_processor_ns(schedule) - before_ns
    if answer.status_code != 200:
        msg = f"{path} answered {answer.status_code}"
        raise RuntimeError(msg)
    return Opened(taken * 1000, here * 1000, database_ns / 1_000_000)


def _schedule_of_database() -> Path:
    """Return where Linux says how long the connection's process has run."""
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    connection.ensure_connection()
    return Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")


def _on_processor_ns(schedule: Path) -> int:
    return int(schedule.read_text().split()[0])

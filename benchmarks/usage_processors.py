"""Two usage processors against one: the same inbox, the same ten subscriptions, hence the same windows."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

if TYPE_CHECKING:
    from apps.keys.models import ApiKey

BATCHES: Final = 40
ROUNDS: Final = 3
GOAL: Final = 1.6


def measure() -> list[Measure]:
    """Take turns, one processor and two, after a turn of each that is not counted."""
    with durable_servers():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from benchmarks.usage_batches import prepare  # noqa: PLC0415 -- after django.setup()

    keys = prepare()
    rates: dict[int, list[float]] = {1: [], 2: []}
    for number in range(ROUNDS + 1):
        for processors, found in rates.items():
            found.append(_rate(keys, processors, f"{number}-{processors}"))
    one, two = (median(found[1:]) for found in rates.values())
    unit = "events/s"
    return [
        Measure("inbox to windows, one processor", one, unit),
        Measure("inbox to windows, two processors", two, unit),
        Measure("two processors / one", two / one, "ratio", GOAL, note="on two cores"),
    ]


def _rate(keys: list[ApiKey], processors: int, name: str) -> float:
    """Return events per second of some processors that find a full inbox."""
    from apps.core.actors import Actor  # noqa: PLC0415 -- after django.setup()
    from apps.usage.ingestion import accept_batch  # noqa: PLC0415 -- see above
    from apps.usage.packing import unpack  # noqa: PLC0415 -- see above
    from benchmarks.usage_batches import EVENTS_PER_BATCH, make_batch  # noqa: PLC0415 -- see above
    from benchmarks.usage_processes import (  # noqa: PLC0415 -- see above
        Processor,
        hold_inbox,
        release_inbox,
        wait_until_processed,
        working_folder,
    )
    from tests.apps.gateway.dataplane.harness import running  # noqa: PLC0415 -- see above

    for index in range(BATCHES):
        body = make_batch(keys)
        accept_batch(
            body=unpack(body),
            batch_key=f"{name}-{index}",
            actor=Actor.system("benchmark"),
            packed=body,
        )
    hold_inbox()
    with ExitStack() as stack:
        folder = stack.enter_context(working_folder())
        for number in range(processors):
            stack.enter_context(running(Processor(folder, f"bench-{name}-{number}")))
        began = release_inbox()
        return BATCHES * EVENTS_PER_BATCH / (wait_until_processed() - began)

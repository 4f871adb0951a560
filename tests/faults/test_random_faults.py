"""kill -9, cut wires and full disks at random moments under load: every call answered 200 is billed once.

The order and the moments follow from a seed, so that a failure can be looked at again; `FAULT_SEED=<number>` tries others.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import httpx
import pytest

from tests.faults.faults import PROCESSES, Machine
from tests.faults.load import Load
from tests.faults.truth import assert_true, read_books, settle, wait_until_processed
from tests.faults.wire import Cut, SentBatch
from tests.running_stack import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("stack")]

Fault = tuple[str, Callable[[Machine], None]]
PAIRS: Final = 2
LONGEST_PEACE_S: Final = 1.5


def plan_faults(chance: random.Random) -> list[Fault]:
    """Return each fault once, and some pairs of deaths at one moment, in random order."""
    victims = [[name] for name in PROCESSES]
    victims += [chance.sample(PROCESSES, 2) for _pair in range(PAIRS)]
    plan: list[Fault] = [
        (f"kill {' and '.join(names)}", partial(_kill, names=names)) for names in victims
    ]
    plan += [(f"cut the {cut.value}", partial(_cut, cut=cut)) for cut in Cut]
    plan += [("fill the inbox", Machine.fill_inbox), ("fill the journal", Machine.fill_journal)]
    chance.shuffle(plan)
    return plan


def tell(line: str) -> None:
    """Write what pytest shows beside a failure."""
    sys.stdout.write(f"{line}\n")


def _kill(machine: Machine, names: list[str]) -> None:
    machine.kill(names)


def _cut(machine: Machine, cut: Cut) -> None:
    machine.cut(cut)


def test_whatever_dies_each_answered_call_is_billed_once(running: Running) -> None:
    seed = int(os.environ.get("FAULT_SEED", "1"))
    chance = random.Random(seed)  # noqa: S311 -- repeatable, not secret
    tell(f"FAULT_SEED={seed}")
    earlier = settle(running)
    with Load(running) as load:
        machine = Machine(running, load.calls)
        machine.wait_for_calls(50)
        for name, happen in plan_faults(chance):
            time.sleep(chance.uniform(0, LONGEST_PEACE_S))  # the random moment
            began = time.monotonic()
            happen(machine)
            tell(f"{name}: {time.monotonic() - began:.1f} s")
        machine.wait_for_calls(50)

    books = settle(running).without(earlier)

    tell(
        f"{len(load.calls.answered)} answers, {len(load.calls.succeeded)} of them 200, "
        f"{load.calls.broken} broken, {len(books.unconfirmed)} unconfirmed"
    )
    assert_true(load.calls, books, proxy_deaths=machine.proxy_deaths)
    # Nothing dies of another's death, or of a cut wire.
    restarted = machine.unexplained_restarts()
    assert restarted == Counter(), machine.last_words(restarted)


def test_batches_sent_again_in_any_order_change_nothing(running: Running) -> None:
    earlier = settle(running)
    first = len(running.wire.batches)
    with Load(running) as load:
        machine = Machine(running, load.calls)
        machine.wait_for_calls(100)
    books = settle(running).without(earlier)
    assert_true(load.calls, books)
    sent = [batch for batch in running.wire.batches[first:] if batch.has_events]
    assert sent

    for batch in reversed(sent):
        for key in (batch.header("Idempotency-Key"), f"again-{batch.header('Idempotency-Key')}"):
            assert _send(running, batch, key) == 202

    wait_until_processed(running)
    assert read_books(running) == replace(books, own=books.events)


def _send(running: Running, batch: SentBatch, key: str) -> int:
    headers = {
        "Authorization": batch.header("Authorization"),
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "Idempotency-Key": key,
    }
    url = f"{running.stack.environment['PUBLIC_URL']}/api/v1/usage/events"
    return httpx.post(url, content=batch.body, headers=headers, trust_env=False).status_code

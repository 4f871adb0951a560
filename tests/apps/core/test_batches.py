"""Working off rows in batches: an error costs its own row alone, and what others hold is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from apps.core.batches import work_off
from apps.core.ids import uuid7

KEYS = [uuid7() for _number in range(9)]


class Worker:
    """Does each row once, in batches; some rows fail, some are held by others at first."""

    def __init__(self, *, bad: Sequence[UUID] = (), held: Sequence[UUID] = ()) -> None:
        self.bad, self.held = bad, held
        self.batches: list[int] = []
        self.done: list[UUID] = []
        self.errors: dict[UUID, str] = {}

    def step(self, keys: Sequence[UUID], *, wait: bool) -> list[UUID]:
        self.batches.append(len(keys))
        free = [key for key in keys if wait or key not in self.held]
        if set(free) & set(self.bad):
            raise ValueError("no")
        self.done += free
        return free

    def report(self, key: UUID, error: Exception) -> None:
        self.errors[key] = str(error)

    def run(self) -> None:
        work_off(KEYS, self.step, report=self.report, batch_size=4)


def test_rows_are_worked_off_in_their_order_and_in_batches() -> None:
    worker = Worker()

    worker.run()

    assert worker.batches == [4, 4, 1]
    assert worker.done == KEYS
    assert worker.errors == {}


@pytest.mark.django_db
def test_a_batch_with_an_error_is_halved_until_the_bad_row_is_alone() -> None:
    worker = Worker(bad=KEYS[5:6])

    worker.run()

    assert worker.batches == [4, 4, 2, 1, 1, 2, 1]
    assert worker.done == [*KEYS[:5], *KEYS[6:]]
    assert worker.errors == {KEYS[5]: "no"}


def test_rows_that_somebody_else_holds_come_last() -> None:
    worker = Worker(held=KEYS[:2])

    worker.run()

    assert worker.batches == [4, 4, 1, 2]
    assert worker.done == [*KEYS[2:], *KEYS[:2]]


def test_rows_that_nobody_comes_to_end_the_work() -> None:
    calls: list[bool] = []

    def step(_keys: Sequence[UUID], *, wait: bool) -> list[UUID]:
        calls.append(wait)
        return []

    work_off(KEYS[:1], step, report=Worker().report)

    assert calls == [False, True]

"""Working off many rows: a transaction for some hundred of them, shared with whoever works at the same time.

A row that another process holds is passed over first and waited for at the end, so that several workers share the work. An error
takes its batch back; the batch is halved until the row that caused it is alone. That one is reported, the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol
from uuid import UUID

from django.db import connection

BATCH_SIZE: Final = 200

Report = Callable[[UUID, Exception], None]


class Step(Protocol):
    """One transaction: does what is due of these rows, and returns which it came to.

    It locks the rows first, in the order of their keys. Without `wait` it leaves out what somebody else holds.
    """

    def __call__(self, keys: Sequence[UUID], /, *, wait: bool) -> Collection[UUID]:
        """Work off a batch."""


def work_off(
    keys: Sequence[UUID], step: Step, *, report: Report, batch_size: int = BATCH_SIZE
) -> None:
    """Take a step for each batch of keys, in their order; then wait for those that others held.

    Args:
        report: is told of a row that could not be done, outside of the transaction that failed.

    Raises:
        django.db.OperationalError: the connection is lost; what was committed before stays.
    """
    left = _pass(keys, step, report, batch_size, wait=False)
    while left:
        rest = _pass(left, step, report, batch_size, wait=True)
        # Others did the rest; or it is not due any more.
        left = rest if len(rest) < len(left) else []


def _pass(
    keys: Sequence[UUID], step: Step, report: Report, batch_size: int, *, wait: bool
) -> list[UUID]:
    """Return what no step came to."""
    left: list[UUID] = []
    for batch in _batches(keys, batch_size):
        seen = set(_attempt(batch, step, report, wait=wait))
        left += [key for key in batch if key not in seen]
    return left


def _batches(keys: Sequence[UUID], size: int) -> list[Sequence[UUID]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]


def _attempt(keys: Sequence[UUID], step: Step, report: Report, *, wait: bool) -> list[UUID]:
    try:
        return list(step(keys, wait=wait))
    except Exception as error:
        if not connection.is_usable():
            raise
        if len(keys) == 1:
            report(keys[0], error)
            return list(keys)
    middle = len(keys) // 2
    halves = (keys[:middle], keys[middle:])
    return [key for half in halves for key in _attempt(half, step, report, wait=wait)]

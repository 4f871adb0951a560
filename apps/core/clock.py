"""The only caller of the system clock.

`now()` is the real time and never moves. `business_now(account)` adds the forward-only offset of a
sandbox account (its test clock): due-queries, the event time at intake and the registry's quota periods
use it, so that trials, periods and dunning of that account can be lived through in seconds. Tokens,
leases and the scheduler use `now()`.

Source: docs/adr/0005-time.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class HasClockOffset(Protocol):
    """An account whose time may run ahead of the real one."""

    @property
    def clock_offset(self) -> timedelta:
        """How far the account's time runs ahead; zero for every account that is not a sandbox."""


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)  # noqa: TID251 -- the one place


def business_now(account: HasClockOffset) -> datetime:
    """Return the time as the account lives it: real time plus its test clock's offset."""
    return now() + account.clock_offset


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A half-open range of time in UTC: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse naive times and empty or reversed ranges."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            msg = "a period needs times with a zone"
            raise ValueError(msg)
        if self.end <= self.start:
            msg = f"a period must end after its start, not {self.start} … {self.end}"
            raise ValueError(msg)

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    @property
    def duration(self) -> timedelta:
        """Elapsed time between start and end."""
        return self.end - self.start

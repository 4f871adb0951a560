"""Quota counters in Valkey, as the relay, reconciliation and the portal see them.

Source: docs/architecture/gateway.md §4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from apps.gateway.store import names
from apps.gateway.store.functions import call_function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

PIPELINED: Final = 1_000
COMPARISON_ENDED: Final = -2


class CounterColdError(LookupError):
    """There is no counter of this period: create it from what Postgres and the journal know."""


class WantedCounter(NamedTuple):
    """A counter that must exist; `used` is taken only when it is new."""

    org_id: str
    sub_id: str
    period_start: int
    used: int


class OpenedComparison(NamedTuple):
    """The counters of a subscription (calls used by period start) at a moment of the store's clock, Unix milliseconds."""

    at: int
    periods: dict[int, int]


class CounterStore:
    """Counters of subscriptions: calls used per period. `used` is stored, never `remaining`."""

    def __init__(self, client: Redis) -> None:
        """Use a client that answers bytes or text."""
        self._client = client

    def ensure_counter(self, *, org_id: str, sub_id: str, period_start: int, used: int) -> int:
        """Create the counter of a period unless it exists, and return its value.

        Args:
            org_id: the consumer organization.
            period_start: Unix milliseconds, as in the registry entry.
            used: what Postgres knows; taken only when the counter is new.

        Raises: redis.exceptions.RedisError.
        """
        keys = [names.subscription_counters(org_id, sub_id)]
        return int(call_function(self._client, "tg1_ensure_counter", keys, [period_start, used]))

    def ensure_many(self, wanted: Sequence[WantedCounter]) -> list[int]:
        """Do as `ensure_counter` for many, in few round trips; return their values in order.

        Raises: redis.exceptions.RedisError.
        """
        if not wanted:
            return []
        # The first one loads the library where it is missing.
        values = [self.ensure_counter(**wanted[0]._asdict())]
        for start in range(1, len(wanted), PIPELINED):
            pipeline = self._client.pipeline(transaction=False)
            for counter in wanted[start : start + PIPELINED]:
                key = names.subscription_counters(counter.org_id, counter.sub_id)
                arguments = (counter.period_start, counter.used)
                pipeline.fcall("tg1_ensure_counter", 1, key, *arguments)
            values += [int(value) for value in pipeline.execute()]
        return values

    def read(self, *, org_id: str, sub_id: str) -> dict[int, int]:
        """Return calls used by period start; empty when the counters are cold."""
        keys = [names.subscription_counters(org_id, sub_id)]
        flat = [int(number) for number in call_function(self._client, "tg1_read_counters", keys)]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def adjust(self, *, org_id: str, sub_id: str, period_start: int, delta: int) -> int:
        """Move a counter by a delta, not below zero, and return its value.

        Raises: CounterColdError, redis.exceptions.RedisError.
        """
        keys = [names.subscription_counters(org_id, sub_id)]
        return self._adjust(keys, period_start, delta)

    def give_back(self, *, org_id: str, sub_id: str, period_start: int, event_id: str) -> int:
        """Give one call back. Doing it again for the same event within a day changes nothing.

        Raises: CounterColdError, redis.exceptions.RedisError.
        """
        keys = [
            names.subscription_counters(org_id, sub_id),
            names.given_back(org_id, event_id),
        ]
        return self._adjust(keys, period_start, -1)

    def raise_to(self, *, org_id: str, sub_id: str, period_start: int, least: int) -> int:
        """Raise a counter that is below what was counted, and return its value.

        Raises: CounterColdError, redis.exceptions.RedisError.
        """
        keys = [names.subscription_counters(org_id, sub_id), names.comparison(org_id, sub_id)]
        used = int(call_function(self._client, "tg1_raise_counter", keys, [period_start, least]))
        return _known(used, period_start)

    def open_comparisons(
        self, comparison_id: str, subscriptions: Sequence[tuple[str, str]], *, lapses_after_ms: int
    ) -> list[OpenedComparison]:
        """Begin comparing the counters of subscriptions, given as organization and subscription id.

        Calls go on meanwhile. A comparison ends when it is closed, begun anew, or when the counter is corrected otherwise.

        Raises: redis.exceptions.RedisError.
        """
        asked = [
            [names.subscription_counters(*subscription), names.comparison(*subscription)]
            for subscription in subscriptions
        ]
        arguments = (comparison_id, lapses_after_ms)
        answers = [
            # The first one loads the library where it is missing.
            call_function(self._client, "tg1_open_comparison", keys, arguments)
            for keys in asked[:1]
        ]
        for start in range(1, len(asked), PIPELINED):
            pipeline = self._client.pipeline(transaction=False)
            for keys in asked[start : start + PIPELINED]:
                pipeline.fcall("tg1_open_comparison", 2, *keys, *arguments)
            answers += pipeline.execute()
        return [_opened(answer) for answer in answers]

    def close_comparison(
        self, comparison_id: str, *, org_id: str, sub_id: str, period_start: int, delta: int
    ) -> int | None:
        """Correct a counter by a delta, and return its value; None when the comparison has ended.

        Raises: CounterColdError, redis.exceptions.RedisError.
        """
        keys = [names.subscription_counters(org_id, sub_id), names.comparison(org_id, sub_id)]
        arguments = [comparison_id, period_start, delta]
        used = int(call_function(self._client, "tg1_close_comparison", keys, arguments))
        return None if used == COMPARISON_ENDED else _known(used, period_start)

    def drop(self, *, org_id: str, sub_id: str) -> None:
        """Forget the counters of a subscription that has ended."""
        self._client.delete(
            names.subscription_counters(org_id, sub_id), names.comparison(org_id, sub_id)
        )

    def _adjust(self, keys: list[str], period_start: int, delta: int) -> int:
        used = int(call_function(self._client, "tg1_adjust_counter", keys, [period_start, delta]))
        return _known(used, period_start)


def _known(used: int, period_start: int) -> int:
    if used < 0:
        raise CounterColdError(f"no counter for the period that starts at {period_start}")
    return used


def _opened(answer: Sequence[int | bytes]) -> OpenedComparison:
    at, *flat = (int(number) for number in answer)
    return OpenedComparison(at, dict(zip(flat[::2], flat[1::2], strict=True)))

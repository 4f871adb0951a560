"""Limits of an API as a whole: this node spends slices that it leases from the store.

They guard the provider's upstream, so they need not cost every call a look into a slot that all consumers share. A call that
finds the slice empty waits for the next one; all that come meanwhile wait for the same answer. What was not
spent goes back with the next question, or after a second without calls.

Source: docs/architecture/gateway.md §4.1.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.resp import command
from apps.gateway.authorizer.store_client import StoreUnavailableError
from apps.gateway.store import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apps.gateway.authorizer.problems import Answer
    from apps.gateway.authorizer.store_client import StoreClient
    from apps.gateway.entries import Route

    # Is told why the API takes no more calls, or None when the call may go on; and where its share was
    # taken, for `give_back`. It must not raise.
    Done = Callable[[Answer | None, tuple[str, ...]], None]

# A slice is this part of the tightest limit: small enough that what idle nodes hold does not matter.
SLICES: Final = 20
# Other nodes give back what they do not need, so a refusal is not believed for longer.
BELIEVED_S: Final = 0.5
IDLE_CHECK_S: Final = 1.0
# More calls than an upstream with a limit needs to have waiting.
MAX_WAITING: Final = 10_000
_MS: Final = 1000


class _Slice:
    """What this node may still send to one API."""

    __slots__ = (
        "_holds_until",
        "_left",
        "_loop",
        "_refused_until",
        "_retry_at",
        "_size",
        "_store",
        "_waiting",
        "_was_used",
        "cells",
        "is_asking",
        "route",
    )

    def __init__(self, route: Route, store: StoreClient) -> None:
        """Begin with nothing."""
        self.route = route
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._size = max(1, min(limit.max for limit in route.limits) // SLICES)
        self._left = 0
        self._holds_until = 0.0
        # Of each window, the cell that the slice counts in.
        self.cells: tuple[str, ...] = ("",) * len(route.limits)
        self._waiting: deque[Done] = deque()
        self._refused_until = self._retry_at = 0.0
        self._was_used = True
        self.is_asking = False

    def take(self, done: Done) -> None:
        """Let one call go on, now or when there is a new slice; or refuse it."""
        now = self._loop.time()
        self._was_used = True
        if self._left > 0 and now < self._holds_until:
            self._left -= 1
            done(None, self.cells)
        elif now < self._refused_until:
            done(self._refusal(now), ())
        elif len(self._waiting) >= MAX_WAITING:
            done(problems.STORE_UNAVAILABLE, ())
        else:
            self._waiting.append(done)
            if not self.is_asking:
                self._ask(max(self._size, len(self._waiting)))

    def give_back(self, cells: Sequence[str]) -> bool:
        """Take back the share of a call that did not pass; tell whether it is of these cells."""
        is_ours = tuple(cells) == self.cells
        self._left += is_ours
        return is_ours

    def rest(self) -> bool:
        """Return what was not used since the last time to the store; tell whether nothing is left to do."""
        if self._was_used or self.is_asking:
            self._was_used = False
            return False
        if self._left > 0:
            self._ask(0)
            return False
        return True

    def _ask(self, wanted: int) -> None:
        """Ask for calls, and give back those that are left over."""
        left, self._left = self._left, 0
        self.is_asking = True
        asked = partial(self._when_leased, self._loop.time(), wanted)
        self._store.call(lease_command(self.route, wanted, left, self.cells), asked)

    def _when_leased(self, asked_at: float, wanted: int, reply: Any) -> None:
        self.is_asking = False
        if isinstance(reply, StoreUnavailableError):
            self._answer_all(problems.STORE_UNAVAILABLE)
            return
        granted, wait_ms, holds_ms, *cells = reply
        leased_in = tuple(str(cell) for cell in cells)
        if leased_in != self.cells:
            if self._left:
                self._store.call(lease_command(self.route, 0, self._left, self.cells), _ignore)
            self._left, self.cells = 0, leased_in
        self._left += granted
        # Counted from before the question was sent, so the slice ends here before its cell ends there.
        self._holds_until = asked_at + holds_ms / _MS
        if granted < wanted:
            self._retry_at = asked_at + wait_ms / _MS
            self._refused_until = min(self._retry_at, asked_at + BELIEVED_S)
        self._serve(is_all=granted < wanted)

    def _serve(self, *, is_all: bool) -> None:
        """Let those who wait go on, as far as the slice reaches; refuse the others when it was `all` there is."""
        now = self._loop.time()
        waiting = self._waiting
        while waiting and self._left > 0 and now < self._holds_until:
            self._left -= 1
            waiting.popleft()(None, self.cells)
        if not waiting:
            return
        if is_all:
            self._answer_all(self._refusal(now))
        elif not self.is_asking:
            self._ask(max(self._size, len(waiting)))

    def _answer_all(self, answer: Answer) -> None:
        waiting, self._waiting = self._waiting, deque()
        for done in waiting:
            done(answer, ())

    def _refusal(self, now: float) -> Answer:
        wait_s = max(1, math.ceil(self._retry_at - now))
        return problems.API_RATE_LIMIT_EXCEEDED.with_headers([("retry-after", str(wait_s))])


class ApiLimits:
    """The slices of this node, by API."""

    def __init__(self, store: StoreClient) -> None:
        """Begin without any; `store` leases them."""
        self._store = store
        self._slices: dict[str, _Slice] = {}

    def take(self, route: Route, done: Done) -> None:
        """Take one call of an API with limits; `done` is told, at once unless a slice must be leased first."""
        held = self._slices.get(route.api_id)
        if held is None or held.route.limits != route.limits:
            held = self._slices[route.api_id] = _Slice(route, self._store)
        held.take(done)

    def give_back(self, route: Route, cells: Sequence[str]) -> None:
        """Give one call back that was taken in these cells and did not pass."""
        held = self._slices.get(route.api_id)
        if held is None or held.route.limits != route.limits or not held.give_back(cells):
            self._store.call(lease_command(route, 0, 1, cells), _ignore)

    async def watch(self) -> None:
        """Give back what is not used, until cancelled."""
        while True:
            await asyncio.sleep(IDLE_CHECK_S)
            for api_id, held in list(self._slices.items()):
                if held.rest():
                    del self._slices[api_id]


def lease_command(route: Route, wanted: int, returned: int, cells: Sequence[str]) -> bytes:
    """Return the encoded command that leases calls and gives others back, which were leased in these cells."""
    arguments = [str(wanted), str(returned)]
    for limit, cell in zip(route.limits, cells, strict=True):
        arguments += [str(limit.max), str(limit.window_s * _MS), cell if returned else ""]
    return command("FCALL", "tg1_lease", "1", names.api_windows(route.api_id), *arguments)


def _ignore(_reply: Any) -> None:
    """What the store does not take back, ends with its window."""

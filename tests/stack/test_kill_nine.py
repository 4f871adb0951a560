"""kill -9 of any one process while calls go through: every call answered 200 is billed once, or listed as unconfirmed."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pytest

from tests.stack.conftest import LONGEST_CALL_S, Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("stack")]

T = TypeVar("T")
CALLERS = 12
KILL_AFTER_S = 1.0
GO_ON_FOR_S = 3.0
SETTLED_WITHIN_S = 60.0 + LONGEST_CALL_S


@dataclass
class Calls:
    """What the callers saw: the gateway's request id of each answer, by status."""

    answered: dict[str, int] = field(default_factory=dict)
    broken: int = 0

    @property
    def succeeded(self) -> set[str]:
        return {request_id for request_id, status in self.answered.items() if status == 200}


def call_while(running: Running, act: Callable[[], None]) -> Calls:
    """Call without pause from a dozen connections; act in the middle."""
    calls = Calls()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_call_until(running, stop, calls)))
    thread.start()
    time.sleep(KILL_AFTER_S)
    act()
    time.sleep(GO_ON_FOR_S)
    stop.set()
    thread.join(timeout=60)
    return calls


async def _call_until(running: Running, stop: threading.Event, calls: Calls) -> None:
    limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
    async with httpx.AsyncClient(timeout=20, limits=limits) as client:

        async def work(number: int) -> None:
            key = running.keys[number % len(running.keys)]
            while not stop.is_set():
                try:
                    answer = await client.get(
                        f"{running.base_url}/v1/cities?country=FR", headers={"X-Api-Key": key}
                    )
                    calls.answered[answer.headers["X-Request-Id"]] = answer.status_code
                except httpx.TransportError:
                    calls.broken += 1
                    await asyncio.sleep(0.05)

        await asyncio.gather(*(work(number) for number in range(CALLERS)))


def events_of(running: Running) -> list[dict[str, Any]]:
    path = f"usage/events?subscription_id={running.subscription['id']}&limit=200"
    try:
        return running.consumer.pages(path)
    except Exception:  # noqa: BLE001 -- the web may be on its way up; asked again by the caller
        return []


def settle(running: Running, calls: Calls) -> list[dict[str, Any]]:
    """Wait until every successful call has an event, and return all events of these calls."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while True:
        mine = [event for event in events_of(running) if event["request_id"] in calls.answered]
        seen = {event["request_id"] for event in mine}
        if calls.succeeded <= seen or time.monotonic() > deadline:
            return mine
        time.sleep(0.5)


def assert_billed_once(
    calls: Calls, events: list[dict[str, Any]], *, may_be_unconfirmed: bool
) -> None:
    times = Counter(event["request_id"] for event in events)
    assert set(times.values()) == {1}, "an event was stored twice"
    billed = {event["request_id"] for event in events if event["is_billable"]}
    unconfirmed = {event["request_id"] for event in events if event["outcome"] == "unconfirmed"}
    assert calls.succeeded - billed - unconfirmed == set(), "a call answered 200 was lost"
    answered_200_or_cut = calls.succeeded
    assert billed <= answered_200_or_cut, "a call that was not answered 200 was billed"
    if may_be_unconfirmed:
        assert len(unconfirmed) <= CALLERS, "more unconfirmed calls than were in flight"
    else:
        assert unconfirmed == set()


@pytest.mark.parametrize(
    "process",
    [
        "web",
        "worker",
        "relay",
        "usage-processor",
        "authorizer",
        "resolver",
        "shipper",
        "caddy",
        "valkey",
        "postgres",
    ],
)
def test_kill_nine_loses_no_call_and_bills_none_twice(running: Running, process: str) -> None:
    pid_before = running.stack.pid(process)

    calls = call_while(running, lambda: running.stack.kill(process, signal.SIGKILL))

    running.stack.wait_ready(process)
    assert running.stack.pid(process) != pid_before
    assert len(calls.succeeded) > 50
    events = settle(running, calls)
    assert_billed_once(calls, events, may_be_unconfirmed=process == "caddy")

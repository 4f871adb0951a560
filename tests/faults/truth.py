"""What must be true whatever died: what the callers were told, the events, the windows and the bill agree.

Read from the tables themselves: pages and endpoints have tests of their own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from apps.core import clock
from apps.core.ids import parse_public_id
from apps.subscriptions.models import Subscription
from apps.usage.placement import window_start_of
from tests.faults.load import CALLERS, Calls
from tests.running_stack import LONGEST_CALL_S, Running

SETTLED_WITHIN_S: Final = 90.0 + LONGEST_CALL_S
POLL_S: Final = 0.25
SHOWN: Final = 5
# A call may be let through until the kill is done.
REACTION: Final = timedelta(seconds=1)

_EVENTS: Final = """
    SELECT event_id, request_id, occurred_at, decided_at, outcome, is_billable FROM usage_usageevent
    WHERE subscription_id = %s ORDER BY event_id
"""
_WINDOWS: Final = """
    SELECT window_start, quantity, event_count FROM usage_usagewindow
    WHERE subscription_id = %s AND meter = 'calls'
"""
_PENDING: Final = "SELECT count(*) AS pending FROM usage_usagebatch WHERE status <> 'processed'"
_DEAD: Final = "SELECT source, reference, reason FROM core_deadletter WHERE source LIKE 'usage.%'"
_SHIPPED_UNTIL: Final = "SELECT min(oldest_unshipped_at) AS shipped_until FROM usage_shipperstate"
_ZONE: Final = "SELECT timezone FROM subscriptions_subscription WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Books:
    """What the tables say about one subscription."""

    events: list[dict[str, Any]]
    # Those that are not of an earlier test.
    own: list[dict[str, Any]]
    # Billed quantity and count of events, by the window's start.
    windows: dict[datetime, tuple[int, int]]
    timezone: str
    dead_letters: list[dict[str, Any]]

    def without(self, earlier: Books) -> Books:
        """Leave out the events that stood in earlier books; the windows stay whole."""
        known = {event["event_id"] for event in earlier.events}
        return replace(self, own=[event for event in self.events if event["event_id"] not in known])

    @property
    def billed(self) -> list[dict[str, Any]]:
        """Our events that are billed."""
        return [event for event in self.own if event["is_billable"]]

    @property
    def unconfirmed(self) -> list[dict[str, Any]]:
        """Our calls of which nobody logged the end."""
        return [event for event in self.own if event["outcome"] == "unconfirmed"]

    @staticmethod
    def requests(events: Iterable[dict[str, Any]]) -> set[str]:
        """Return the request ids of events."""
        return {event["request_id"] for event in events}

    def expected_windows(self) -> dict[datetime, tuple[int, int]]:
        """Add up the events, each in the local hour that holds it."""
        billed: Counter[datetime] = Counter()
        counted: Counter[datetime] = Counter()
        for event in self.events:
            start = window_start_of(event["occurred_at"], self.timezone)
            counted[start] += 1
            billed[start] += event["is_billable"]
        return {start: (billed[start], counted[start]) for start in counted}


def read_books(running: Running) -> Books:
    """Read events, windows and dead letters as they stand."""
    subscription = _subscription_id(running)
    with _connect(running) as connection:
        windows = connection.execute(_WINDOWS, [subscription]).fetchall()
        zone = connection.execute(_ZONE, [subscription]).fetchone()
        assert zone is not None
        events = connection.execute(_EVENTS, [subscription]).fetchall()
        return Books(
            events=events,
            own=events,
            windows={
                row["window_start"]: (int(row["quantity"]), row["event_count"]) for row in windows
            },
            timezone=zone["timezone"],
            dead_letters=connection.execute(_DEAD).fetchall(),
        )


def settle(running: Running) -> Books:
    """Wait until every call decided until now was shipped and processed; return the books.

    The shippers tell until when everything was shipped; a call that nobody closed is among it only as unconfirmed.
    """
    ended_at = clock.now()
    deadline = time.monotonic() + SETTLED_WITHIN_S
    with _connect(running) as connection:
        while not (state := _progress(connection, ended_at)).is_done:
            assert time.monotonic() < deadline, f"not settled: {state}"
            time.sleep(POLL_S)
    return read_books(running)


def wait_until_processed(running: Running) -> None:
    """Wait until the inbox is empty."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    with _connect(running) as connection:
        while pending := _number(connection, _PENDING):
            assert time.monotonic() < deadline, f"{pending} batches wait"
            time.sleep(POLL_S)


def assert_true(calls: Calls, books: Books, *, proxy_deaths: Sequence[datetime] = ()) -> None:
    """Insist that nothing was lost, nothing doubled, and that the windows are the sum of the events.

    Args:
        calls: what the callers were told.
        books: what the tables say, once settled.
        proxy_deaths: when the proxy was killed: the calls that were in flight then may be unconfirmed.
    """
    found = list(differences(calls, books, proxy_deaths=proxy_deaths))
    assert not found, "the books are wrong:\n" + "\n".join(found)


def differences(calls: Calls, books: Books, *, proxy_deaths: Sequence[datetime]) -> Iterable[str]:
    """Say in one line each what differs."""
    succeeded, answered = calls.succeeded, calls.answered.keys()
    billed = books.requests(books.billed)
    unconfirmed = books.requests(books.unconfirmed)
    times = Counter(event["request_id"] for event in books.own)
    yield from _tell("answered 200 have no event", succeeded - billed - unconfirmed)
    yield from _tell("were stored twice", {one for one, count in times.items() if count > 1})
    yield from _tell("were billed, but not answered 200", (billed & answered) - succeeded)
    if len(billed - answered) > calls.broken:
        what = f"were billed without an answer, but only {calls.broken} broke"
        yield from _tell(what, billed - answered)
    yield from _tell_unconfirmed(books.unconfirmed, proxy_deaths)
    yield from _tell_windows(books.expected_windows(), books.windows)
    for letter in books.dead_letters:
        yield f"dead letter {letter['source']} {letter['reference']}: {letter['reason']}"


def _tell_unconfirmed(
    events: Sequence[dict[str, Any]], proxy_deaths: Sequence[datetime]
) -> Iterable[str]:
    """Each belongs to a death of the proxy, and each death to no more calls than were in flight."""
    left = list(events)
    for died_at in proxy_deaths:
        longest = timedelta(seconds=LONGEST_CALL_S)
        near = [
            event
            for event in left
            if died_at - longest <= event["decided_at"] <= died_at + REACTION
        ]
        if len(near) > CALLERS:
            what = f"are unconfirmed by one death, of {CALLERS} in flight"
            yield from _tell(what, {event["request_id"] for event in near})
        left = [event for event in left if event not in near]
    yield from _tell("are unconfirmed without cause", {event["request_id"] for event in left})


def _tell(what: str, request_ids: set[str]) -> Iterable[str]:
    if request_ids:
        shown = ", ".join(sorted(request_ids)[:SHOWN])
        yield f"{len(request_ids)} calls {what}: {shown}{' …' * (len(request_ids) > SHOWN)}"


def _tell_windows(
    expected: Mapping[datetime, tuple[int, int]], stored: Mapping[datetime, tuple[int, int]]
) -> Iterable[str]:
    for start in sorted(expected.keys() | stored.keys()):
        if expected.get(start) != stored.get(start):
            yield (
                f"window {start:%Y-%m-%d %H:%M}: events say (billed, all) {expected.get(start)}, "
                f"the window says {stored.get(start)}"
            )


@dataclass(frozen=True, slots=True)
class _Progress:
    pending: int
    shipped_until: datetime | None
    wanted: datetime

    @property
    def is_done(self) -> bool:
        is_shipped = self.shipped_until is not None and self.shipped_until > self.wanted
        return is_shipped and not self.pending


def _progress(connection: psycopg.Connection[dict[str, Any]], ended_at: datetime) -> _Progress:
    row = connection.execute(_SHIPPED_UNTIL).fetchone()
    return _Progress(
        shipped_until=row["shipped_until"] if row else None,
        pending=_number(connection, _PENDING),
        wanted=ended_at,
    )


def _number(connection: psycopg.Connection[dict[str, Any]], query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(next(iter(row.values()))) if row else 0


def _subscription_id(running: Running) -> UUID:
    return parse_public_id(Subscription.id_prefix, running.subscription["id"])


def _connect(running: Running) -> psycopg.Connection[dict[str, Any]]:
    url = running.stack.environment["DATABASE_URL"]
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)

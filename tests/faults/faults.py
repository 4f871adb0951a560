"""What can go wrong on a machine, done for real to the running stack."""

from __future__ import annotations

import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg

from apps.core import clock
from apps.usage.constants import MAX_PENDING_BATCHES
from deploy.local.process import last_lines
from tests.faults.load import Calls
from tests.faults.wire import Cut
from tests.running_stack import Running

PROCESSES: Final = (
    "web",
    "worker",
    "beat",
    "relay",
    "usage-processor",
    "authorizer",
    "resolver",
    "shipper",
    "caddy",
    "valkey",
    "postgres",
)
# What requests of web depend on.
ASKED_AFTER: Final = frozenset({"web", "valkey", "postgres"})
ASKED_AT_ONCE: Final = 8
# The shipper waits up to 30 s between two tries.
HAPPENS_WITHIN_S: Final = 90.0
_FILL_INBOX: Final = """
    INSERT INTO usage_usagebatch (id, created_at, updated_at, available_at, source, idempotency_key, body,
        event_count, rejections, status, attempts, outcome, last_error)
    SELECT gen_random_uuid(), now(), now(), now() + interval '1 day', 'a full inbox', 'full ' || number, '',
        0, '[]', 'pending', 0, '{}', ''
    FROM generate_series(1, %s) AS number
"""
_EMPTY_INBOX: Final = "DELETE FROM usage_usagebatch WHERE source = 'a full inbox'"


@dataclass
class Machine:
    """The stack as the faults see it, with a count of what was done to it."""

    running: Running
    calls: Calls
    kills: Counter[str] = field(default_factory=Counter)
    # When the proxy died: only then may calls be left without an end.
    proxy_deaths: list[datetime] = field(default_factory=list)
    # Killed together with the database: they are refused their start until it is back.
    without_database: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._restarts_before = _restarts(self.running)

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until something has happened."""
        deadline = time.monotonic() + HAPPENS_WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen"
            time.sleep(0.02)

    def wait_for_calls(self, count: int = 10) -> None:
        """Wait until some more calls were answered 200."""
        seen = len(self.calls.succeeded)
        self.wait_for("a call", lambda: len(self.calls.succeeded) >= seen + count)

    def kill(self, names: Sequence[str]) -> None:
        """Kill -9 processes, and wait until the supervisor has brought them back."""
        if "postgres" in names:
            self.without_database |= set(names)
        for name in names:
            self.running.stack.kill(name, signal.SIGKILL)
            self.kills[name] += 1
            if name == "caddy":
                self.proxy_deaths.append(clock.now())
        for name in names:
            self.wait_for(f"{name} again", lambda name=name: self._is_back(name))  # type: ignore[misc]
            self.running.stack.wait_ready(name)
        if ASKED_AFTER & set(names):
            self._ask_web()

    def _is_back(self, name: str) -> bool:
        return self.restarts()[name] >= self.kills[name]

    def _ask_web(self) -> None:
        """Insist that web answers as if nothing had been: more requests at once than it has threads."""
        consumer = self.running.consumer
        path = f"usage/windows?subscription_id={self.running.subscription['id']}"
        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            # list() raises what a request raised.
            list(pool.map(lambda _number: consumer.call("GET", path), range(2 * ASKED_AT_ONCE)))

    def cut(self, cut: Cut) -> None:
        """Cut the wire to web in the middle of a batch, or before its answer."""
        wire = self.running.wire
        before = wire.cuts[cut]
        wire.cut_next(cut)
        self.wait_for("the cut", lambda: wire.cuts[cut] > before)

    def fill_inbox(self) -> None:
        """Let so many batches wait that intake refuses; then make room again."""
        wire = self.running.wire
        before = wire.answers[503]
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute(_FILL_INBOX, [MAX_PENDING_BATCHES])
            try:
                self.wait_for("back-pressure", lambda: wire.answers[503] > before)
                self.wait_for_calls()
            finally:
                connection.execute(_EMPTY_INBOX)

    def fill_journal(self) -> None:
        """Let the authorizer's next writes to its journal fail, as on a full disk; then let them pass."""
        pid = self.running.stack.pid("authorizer")
        assert pid is not None
        folder = Path(self.running.stack.environment["GATEWAY_JOURNAL_DIR"])
        newest = max(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        limit = newest.stat().st_size + 20
        refused = self.calls.refusals["metering_unavailable"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        self.wait_for("a refusal", lambda: self.calls.refusals["metering_unavailable"] > refused)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        self.wait_for_calls()

    @property
    def _database_url(self) -> str:
        return self.running.stack.environment["DATABASE_URL"]

    def restarts(self) -> Counter[str]:
        """How often each process was started again, since these faults began."""
        return _restarts(self.running) - self._restarts_before

    def last_words(self, names: Iterable[str]) -> str:
        """Return the end of the logs of processes, for a message about them."""
        logs = self.running.stack.logs
        return "\n".join(f"--- {name}\n{last_lines(logs / f'{name}.log', 60)}" for name in names)

    def unexplained_restarts(self) -> Counter[str]:
        """How often each process was started again, though nobody killed it: it died of another's death."""
        return Counter(
            {
                name: count
                for name, count in (self.restarts() - self.kills).items()
                if name not in self.without_database
            }
        )


def _restarts(running: Running) -> Counter[str]:
    stack = running.stack
    return Counter({name: stack.restarts(name) for name in stack.names()})

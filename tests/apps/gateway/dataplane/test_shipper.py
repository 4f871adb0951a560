"""Nothing is lost and nothing is doubled, whatever dies and whenever the log is rolled."""

from __future__ import annotations

import fcntl
import json
import random
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from apps.core.ids import uuid7
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Intake,
    ShipperProcess,
    make_consumer,
    running,
    serve_intake,
    wait_for,
)


class Gateway:
    """Writes journal and access log as authorizer and Caddy do, with hands on every moment of it."""

    def __init__(self, folder: Path) -> None:
        self.journal_dir = folder / "journal"
        self.access_log = folder / "log" / "access.log"
        self.journal_dir.mkdir()
        self.access_log.parent.mkdir()
        self.expected: set[str] = set()
        self._rolled = 0
        self._journal = self._open_journal()
        self._log = self.access_log.open("a")

    def call(self, *, logged: bool = True, journaled: bool = True) -> str:
        event_id = self.open_call() if journaled else ""
        if logged:
            self.close_call(self._request_id if journaled else str(uuid.uuid4()))
        return event_id

    def open_call(self, age_s: float = 0.0, **more: int | str) -> str:
        self._request_id, event_id = str(uuid.uuid4()), str(uuid7())
        self.journal_line: dict[str, Any] = {
            "request_id": self._request_id,
            "event_id": event_id,
            "decided_at": int((time.time() - age_s) * 1000),
            "key_id": "key_1",
            "subscription_id": "sub_1",
            "api_id": "api_1",
            "node": "node-1",
            "method": "GET",
            "path": "/x",
            **more,
        }
        self.write_journal(json.dumps(self.journal_line) + "\n")
        self.expected.add(event_id)
        return event_id

    def write_journal(self, text: str) -> None:
        self._journal.write(text)
        self._journal.flush()

    def log_line(self, request_id: str, subscription_id: str | None = "sub_1") -> str:
        line = {
            "level": "info",
            "ts": time.time(),
            "request": {"method": "GET", "uri": "/weather/x", "client_ip": "192.0.2.7"},
            "bytes_read": 10,
            "duration": 0.0125,
            "size": 345,
            "status": 200 if subscription_id else 401,
            "uuid": request_id,
            "subscription_id": subscription_id,
            "upstream_latency_ms": 7.25,
        }
        return json.dumps(line).replace('"level": ', '"level":') + "\n"

    def close_call(self, request_id: str, subscription_id: str | None = "sub_1") -> None:
        self.write_log(self.log_line(request_id, subscription_id))

    def write_log(self, text: str) -> None:
        self._log.write(text)
        self._log.flush()

    def roll_log(self) -> None:
        self._log.close()
        self._rolled += 1
        target = f"access-2026-11-20T10-00-{self._rolled:02d}.000-size.log"
        self.access_log.rename(self.access_log.with_name(target))
        self._log = self.access_log.open("a")

    def restart_authorizer(self) -> None:
        self._journal.close()
        self._journal = self._open_journal()

    def close(self) -> None:
        self._journal.close()
        self._log.close()

    def _open_journal(self) -> IO[str]:
        stream = (self.journal_dir / f"node-1-{time.time_ns()}-1.jsonl").open("a")
        fcntl.flock(stream, fcntl.LOCK_EX)
        header = {"journal": uuid.uuid4().hex, "node": "node-1", "started_at": 0, "format": 1}
        stream.write(json.dumps(header) + "\n")
        stream.flush()
        return stream


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.close()


@pytest.fixture
def intake() -> Iterator[tuple[Intake, str]]:
    with serve_intake() as served:
        yield served


@pytest.fixture
def shipper(
    tmp_path: Path, gateway: Gateway, intake: tuple[Intake, str]
) -> Iterator[ShipperProcess]:
    process = ShipperProcess(tmp_path, gateway.journal_dir, gateway.access_log, intake[1])
    with running(process):
        yield process


def wait_until_shipped(intake: Intake, gateway: Gateway, timeout_s: float = 15.0) -> None:
    wait_for(
        lambda: {event["id"] for event in intake.events} >= gateway.expected,
        timeout_s=timeout_s,
        what="all calls shipped",
    )
    assert_exactly_once(intake, gateway)


def assert_exactly_once(intake: Intake, gateway: Gateway) -> None:
    ids = [event["id"] for event in intake.events]
    assert sorted(ids) == sorted(gateway.expected)
    assert intake.problems == []


def test_event_says_what_journal_and_log_say(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    gateway.close_call(str(uuid.uuid4()), subscription_id=None)
    gateway.call()
    wait_until_shipped(intake[0], gateway)

    (event,) = intake[0].events
    line = gateway.journal_line
    decided_at = datetime.fromisoformat(event.pop("occurred_at"))
    assert round(decided_at.timestamp() * 1000) == line["decided_at"]
    assert event == {
        "id": line["event_id"],
        "source": "gateway",
        "request_id": line["request_id"],
        "key_id": "key_1",
        "subscription_id": "sub_1",
        "api_id": "api_1",
        "method": "GET",
        "path": "/x",
        "status": 200,
        "latency_ms": 12.5,
        "upstream_latency_ms": 7.25,
        "request_bytes": 10,
        "response_bytes": 345,
        "outcome": "completed",
        "properties": {},
    }


def test_address_is_told_of_the_key_and_not_of_its_calls(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    gateway.call()
    wait_until_shipped(intake[0], gateway)

    batches = [batch for batch in intake[0].batches.values() if batch["events"]]
    assert [batch["shipper"]["key_addresses"] for batch in batches] == [{"key_1": "192.0.2.7"}]
    assert "192.0.2.7" not in str([batch["events"] for batch in batches])


def test_event_carries_the_offset_of_a_sandbox_clock(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    gateway.open_call(clock_offset_ms=7_200_000)
    gateway.close_call(gateway.journal_line["request_id"])
    wait_until_shipped(intake[0], gateway)

    assert [event["clock_offset_ms"] for event in intake[0].events] == [7_200_000]


def test_call_without_log_line_becomes_unconfirmed_once(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    lost, finished = gateway.open_call(), gateway.call()
    request_id = gateway.journal_line["request_id"]
    # The same decision written again, as for a sub-request that was sent again.
    gateway.write_journal(json.dumps({**gateway.journal_line}) + "\n")
    wait_until_shipped(intake[0], gateway)

    outcomes = {event["id"]: event["outcome"] for event in intake[0].events}
    assert outcomes == {lost: "unconfirmed", finished: "completed"}
    unconfirmed = next(event for event in intake[0].events if event["id"] == lost)
    assert (unconfirmed["status"], unconfirmed["response_bytes"]) == (None, None)
    assert request_id in {event["request_id"] for event in intake[0].events}


def test_call_that_the_gateway_refused_after_all_is_no_unconfirmed_one(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    """The authorizer was killed between its journal and its answer."""
    gateway.open_call()
    gateway.close_call(gateway.journal_line["request_id"], subscription_id=None)

    wait_until_shipped(intake[0], gateway)

    event = intake[0].events[0]
    assert (event["outcome"], event["status"]) == ("completed", 401)
    assert event["upstream_latency_ms"] is None


@pytest.mark.parametrize("is_finished", [True, False])
def test_log_rolled_within_a_line_costs_no_other_call(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str], *, is_finished: bool
) -> None:
    """The line is whole before the roll, or its writer was killed and the successor rolls."""
    gateway.call()
    gateway.open_call()
    torn = gateway.log_line(gateway.journal_line["request_id"])
    gateway.write_log(torn[:60])
    # The shipper has been at the half line once the call before it is shipped.
    wait_for(lambda: intake[0].events, what="the first call")

    if is_finished:
        gateway.write_log(torn[60:])
    gateway.roll_log()
    gateway.call()

    wait_until_shipped(intake[0], gateway)
    outcomes = sorted(event["outcome"] for event in intake[0].events)
    assert outcomes == ["completed", "completed", "completed" if is_finished else "unconfirmed"]
    wait_for(lambda: len(list(gateway.access_log.parent.iterdir())) == 1, what="the rolled log")


def test_report_never_runs_ahead_of_an_open_call(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    wait_for(lambda: intake[0].batches, what="heartbeat of an idle shipper")
    gateway.open_call()
    decided_at = gateway.journal_line["decided_at"]
    before = len(intake[0].batches)
    wait_for(lambda: len(intake[0].batches) > before, what="heartbeat with an open call")

    reports = [batch["shipper"]["oldest_unshipped_at"] for batch in intake[0].batches.values()]
    newest = datetime.fromisoformat(reports[-1]).timestamp() * 1000
    assert newest <= decided_at
    gateway.close_call(gateway.journal_line["request_id"])
    wait_until_shipped(intake[0], gateway)
    wait_for(
        lambda: (
            max(
                datetime.fromisoformat(batch["shipper"]["oldest_unshipped_at"]).timestamp() * 1000
                for batch in intake[0].batches.values()
            )
            > decided_at
        ),
        what="the report passes the shipped call",
    )


def test_dead_web_loses_and_doubles_nothing(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    intake[0].refuse = True
    for _ in range(50):
        gateway.call()
    wait_for(lambda: intake[0].posts >= 2, what="retries")
    gateway.roll_log()
    for _ in range(50):
        gateway.call()
    intake[0].refuse = False

    wait_until_shipped(intake[0], gateway)


def test_lost_answer_is_sent_again_as_the_same_batch(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    wait_for(lambda: intake[0].batches, what="first heartbeat")
    intake[0].accept_silently = True
    for _ in range(20):
        gateway.call()
    wait_for(lambda: intake[0].events, what="batch taken, answer lost")
    shipper.kill()
    intake[0].accept_silently = False
    batches = len([batch for batch in intake[0].batches.values() if batch["events"]])
    shipper.start()
    gateway.call()

    wait_until_shipped(intake[0], gateway)
    assert len([batch for batch in intake[0].batches.values() if batch["events"]]) == batches + 1


def test_files_wholly_accepted_are_deleted(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    gateway.call()
    gateway.roll_log()
    gateway.restart_authorizer()
    gateway.call()
    wait_until_shipped(intake[0], gateway)

    wait_for(lambda: len(list(gateway.journal_dir.iterdir())) == 1, what="old journal deleted")
    wait_for(lambda: len(list(gateway.access_log.parent.iterdir())) == 1, what="old log deleted")
    gateway.call()
    wait_until_shipped(intake[0], gateway)


def test_open_call_outlives_its_journal_file(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    gateway.open_call()
    open_request = gateway.journal_line["request_id"]
    gateway.restart_authorizer()
    wait_for(lambda: len(list(gateway.journal_dir.iterdir())) == 1, what="old journal deleted")
    shipper.kill()
    shipper.start()
    gateway.close_call(open_request)

    wait_until_shipped(intake[0], gateway)
    assert intake[0].events[0]["outcome"] == "completed"


def test_torn_lines_cost_no_other_call(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str]
) -> None:
    gateway.call()
    # The authorizer was killed while writing: that call was never answered.
    gateway.write_journal('{"request_id": "half')
    gateway.restart_authorizer()
    # Caddy was killed while writing; its successor goes on in the same line.
    gateway.write_log('{"level":"info","ts":1,"request":{"meth')
    gateway.call()
    gateway.call()

    wait_until_shipped(intake[0], gateway)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_at_random_moments_under_load(
    shipper: ShipperProcess, gateway: Gateway, intake: tuple[Intake, str], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 -- repeatable, not secret
    waiting: list[str] = []
    for _ in range(2_500):
        gateway.open_call()
        waiting.append(gateway.journal_line["request_id"])
        while len(waiting) > chance.randrange(30):
            gateway.close_call(waiting.pop(chance.randrange(len(waiting))))
        roll = chance.random()
        if roll < 0.004:
            gateway.roll_log()
        elif roll < 0.006:
            gateway.restart_authorizer()
        elif roll < 0.009:
            shipper.kill()
            shipper.start()
        elif roll < 0.012:
            intake[0].refuse = not intake[0].refuse
        elif roll < 0.016:
            intake[0].accept_silently = not intake[0].accept_silently
        if chance.random() < 0.2:
            time.sleep(0.005)
    for request_id in waiting:
        gateway.close_call(request_id)
    intake[0].refuse = intake[0].accept_silently = False

    wait_for(
        lambda: {event["id"] for event in intake[0].events} >= gateway.expected,
        timeout_s=60,
        what="all calls shipped",
    )
    assert_exactly_once(intake[0], gateway)


@pytest.mark.slow
def test_real_gateway_is_shipped_whole_across_log_rolls(
    tmp_path: Path, registry: Registry, authorizer: AuthorizerProcess, intake: tuple[Intake, str]
) -> None:
    consumer = make_consumer(quota=100_000)
    registry.admit(consumer)
    caddy = CaddyProcess(tmp_path, f"127.0.0.1:{authorizer.port}", log_file_mb=1)
    shipper = ShipperProcess(tmp_path, authorizer.journal_dir, caddy.access_log, intake[1])
    headers = {"X-Api-Key": consumer.key}

    def work(_: int) -> int:
        with httpx.Client(headers=headers, trust_env=False) as client:
            answers = [client.get(f"{caddy.url}/weather/{number}") for number in range(400)]
        return sum(answer.status_code == 200 for answer in answers)

    with running(caddy), running(shipper), ThreadPoolExecutor(5) as pool:
        answered = sum(pool.map(work, range(5)))
        shipped = wait_for(lambda: _ours(intake[0], consumer.sub_id, answered), what="2000 events")
        files = wait_for(
            lambda: len(files := list(caddy.access_log.parent.iterdir())) == 1 and files,
            what="rolled logs deleted",
        )

    assert answered == 2_000
    assert registry.used(consumer) == answered
    assert {event["outcome"] for event in shipped} == {"completed"}
    assert len({event["id"] for event in shipped}) == len(shipped) == answered
    assert files == [caddy.access_log]
    told = [batch["shipper"].get("key_addresses", {}) for batch in intake[0].batches.values()]
    assert {address for batch in told for address in batch.values()} == {"127.0.0.1"}


def _ours(intake: Intake, sub_id: str, count: int) -> list[dict[str, Any]]:
    found = [event for event in intake.events if event["subscription_id"] == sub_id]
    return found if len(found) >= count else []

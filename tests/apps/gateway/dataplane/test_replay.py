"""What was shipped can be shipped again: files are kept for a while, within bounds, and only what is missing is sent."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.core import clock
from apps.gateway.shipper.events import UsageEvent
from apps.gateway.shipper.keeping import KeptFiles
from apps.gateway.shipper.replaying import Replay, Span
from tests.apps.gateway.dataplane.harness import (
    Intake,
    ShipperProcess,
    running,
    serve_intake,
    wait_for,
)
from tests.apps.gateway.dataplane.test_shipper import Gateway

ALWAYS = Span(0, 2**53)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.close()


class Stored:
    """What web knows."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.events: list[UsageEvent] = []

    def missing(self, ids: Sequence[str]) -> list[str]:
        return [name for name in ids if name not in self.known]

    def send(self, events: Sequence[UsageEvent]) -> None:
        self.events += events

    def replay(self, gateway: Gateway, *, span: Span = ALWAYS, **more: Any) -> Replay:
        replay = Replay(span=span, missing_of=self.missing, send=self.send, **more)
        replay.read_journals(sorted(gateway.journal_dir.iterdir()))
        replay.read_logs(sorted(gateway.access_log.parent.iterdir()))
        replay.give_up()
        return replay


def test_only_what_is_missing_is_sent_as_it_was(gateway: Gateway) -> None:
    known, missing, unconfirmed = gateway.call(), gateway.call(), gateway.open_call()
    gateway.close_call("refused", subscription_id=None)
    stored = Stored(known)

    found = stored.replay(gateway).found

    assert (found.calls, found.known, found.sent, found.unconfirmed) == (3, 1, 2, 1)
    outcomes = {event.id: (event.outcome, event.status) for event in stored.events}
    assert outcomes == {missing: ("completed", 200), unconfirmed: ("unconfirmed", None)}


def test_calls_outside_the_span_and_open_ones_are_left_alone(gateway: Gateway) -> None:
    gateway.open_call(age_s=3_600)
    inside = gateway.open_call(age_s=600)
    gateway.close_call(gateway.journal_line["request_id"])
    gateway.open_call(age_s=600)
    still_open = gateway.journal_line["request_id"]
    now_ms = int(time.time() * 1000)
    stored = Stored()

    stored.replay(gateway, span=Span(now_ms - 1_200_000, now_ms - 300_000), ignored={still_open})

    assert [event.id for event in stored.events] == [inside]


def test_lines_that_cannot_be_read_are_named_and_cost_no_other_call(gateway: Gateway) -> None:
    first = gateway.call()
    gateway.write_journal("nonsense\n")
    gateway.write_log("nonsense\n")
    second = gateway.call()
    gateway.call(journaled=False)
    stored = Stored()

    found = stored.replay(gateway, reads_all_lines=True).found

    assert {event.id for event in stored.events} == {first, second}
    journal = next(gateway.journal_dir.iterdir())
    assert found.unreadable == [f"{journal.name}:3", "access.log:2"]
    assert (found.lines, found.unjournaled) == (4, 1)


def test_compressed_files_and_torn_last_lines_are_read(gateway: Gateway) -> None:
    missing = gateway.call()
    gateway.write_log('{"level":"info","ts":1')
    for path in (next(gateway.journal_dir.iterdir()), gateway.access_log):
        with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)
        path.unlink()
    stored = Stored()

    stored.replay(gateway)

    assert [event.id for event in stored.events] == [missing]


class TestKept:
    """Files that were shipped."""

    def make(self, tmp_path: Path, **bounds: Any) -> KeptFiles:
        return KeptFiles(tmp_path / "state", **{"max_age_s": 3600, "max_bytes": 10_000, **bounds})

    def put(self, kept: KeptFiles, name: str, *, size: int = 10, age_s: float = 0) -> None:
        path = kept.folder.parent / name
        path.write_bytes(b"x" * size)
        ended_at = time.time() - age_s
        os.utime(path, (ended_at, ended_at))
        kept.keep(path)

    def test_bounds_of_age_and_size_hold_and_say_since_when(self, tmp_path: Path) -> None:
        kept = self.make(tmp_path)
        began = kept.covered_from_ms
        self.put(kept, "old", age_s=4_000)
        assert kept.files() == []
        assert kept.covered_from_ms == began, "it ended before this shipper began"
        for number in range(3):
            self.put(kept, f"new-{number}", size=4_000, age_s=-number)
        assert [path.name for path in kept.files()] == ["new-1", "new-2"]
        assert kept.covered_from_ms > began
        assert self.make(tmp_path).covered_from_ms == kept.covered_from_ms

    def test_file_that_is_gone_is_none(self, tmp_path: Path) -> None:
        kept = self.make(tmp_path)
        kept.keep(tmp_path / "nothing")
        assert kept.files() == []


def test_shipper_sends_again_what_web_lost(tmp_path: Path, gateway: Gateway) -> None:
    with serve_intake() as (intake, url):
        process = ShipperProcess(tmp_path, gateway.journal_dir, gateway.access_log, url)
        with running(process):
            lost, kept = gateway.call(), gateway.call()
            gateway.roll_log()
            gateway.restart_authorizer()
            wait_for(lambda: len(intake.events) == 2, what="both calls")
            wait_for(
                lambda: len(list(gateway.access_log.parent.iterdir())) == 1, what="the log put away"
            )
            before = _events(intake)[lost]
            intake.forgotten.add(lost)
            now = clock.now()
            intake.replay_asked = {
                "id": "rpl_1",
                "since": (now - timedelta(hours=1)).isoformat(),
                "until": now.isoformat(),
            }
            wait_for(lambda: intake.replays, timeout_s=30, what="the report")

    (report,) = intake.replays
    assert (report["call_count"], report["known_count"], report["sent_count"]) == (2, 1, 1)
    assert (report["error"], report["unreadable"]) == ("", [])
    assert [event["id"] for event in intake.events].count(lost) == 2
    assert [event["id"] for event in intake.events].count(kept) == 1
    assert _events(intake)[lost] == before, "the same body, so web sees the same call"


def _events(intake: Intake) -> dict[str, dict[str, Any]]:
    return {event["id"]: event for event in intake.events}

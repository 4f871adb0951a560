"""One call is lost behind intake: the scheduled job finds it in the node's journal and has it counted."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from apps.accounts.services.platform_tokens import adopt_platform_token
from apps.core.actors import Actor
from apps.core.models import AuditEvent
from apps.gateway.valkey import get_client
from apps.usage.constants import PLATFORM_PERMISSION
from apps.usage.enums import BatchStatus, DriftStatus
from apps.usage.models import DriftReport, LogReplay, UsageBatch, UsageEvent
from apps.usage.processing import process_next_batch
from tests.apps.gateway.dataplane.harness import ShipperProcess, running, wait_for
from tests.apps.gateway.dataplane.test_shipper import Gateway
from tests.apps.usage.test_drift import Called

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    get_client().flushdb()
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.close()
    get_client().flushdb()


def call(gateway: Gateway, called: Called) -> str:
    """Let a call through: counted by the store, opened by the journal, closed by the log."""
    event_id = gateway.open_call(
        age_s=10,
        key_id=called.key.public_id,
        subscription_id=called.sub_id,
        api_id=called.subscription.api.public_id,
    )
    called.take(event_id)
    gateway.close_call(gateway.journal_line["request_id"])
    return event_id


def process_all() -> None:
    while process_next_batch():
        pass


@contextmanager
def processing() -> Iterator[None]:
    """Run a usage processor beside the test."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(0.05):
            process_all()
        connections["default"].close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_dropped_event_is_found_by_the_job_and_counted(
    tmp_path: Path, gateway: Gateway, live_server: Any
) -> None:
    token = f"tgt_{secrets.token_urlsafe(32)}"
    adopt_platform_token(
        name="shipper",
        secret=token,
        permissions=frozenset({PLATFORM_PERMISSION}),
        actor=Actor.system("test"),
    )
    called = Called()
    process = ShipperProcess(
        tmp_path, gateway.journal_dir, gateway.access_log, live_server.url, SHIPPER_TOKEN=token
    )
    with running(process):
        for _ in range(4):
            call(gateway, called)
        wait_for(lambda: process_next_batch() and called.counted == 4, what="four calls counted")

        dropped = call(gateway, called)
        waiting = UsageBatch.objects.filter(status=BatchStatus.PENDING)
        wait_for(waiting.exists, what="the fifth call in the inbox")
        waiting.delete()
        assert (called.counter, called.counted) == (5, 4)

        with processing():
            current_app.tasks["usage.compare_counters"].apply(throw=True)

    report = DriftReport.objects.get()
    assert (report.status, report.repaired_count, report.lowered_count) == (
        DriftStatus.CORRECTED,
        1,
        0,
    ), report.reason
    assert called.counter == called.counted == 5
    assert UsageEvent.objects.filter(event_id=dropped, status=200).exists()
    replay = LogReplay.objects.get()
    assert (replay.call_count, replay.known_count, replay.sent_count) == (5, 4, 1)


def test_files_from_elsewhere_are_replayed_by_hand(
    tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = Called()
    calls = [call(gateway, called) for _ in range(3)]
    gateway.write_log("nonsense\n")
    gateway.call(journaled=False)
    journals = str(gateway.journal_dir)

    def replay(*options: str) -> dict[str, int]:
        out = io.StringIO()
        call_command(
            "replay_access_log",
            str(gateway.access_log),
            "--journal",
            journals,
            *options,
            stdout=out,
        )
        rows = [line.split(": ") for line in out.getvalue().splitlines() if ": " in line]
        assert "access.log:4" in out.getvalue()
        return {name: int(count) for name, count in rows}

    dry = replay("--dry-run")
    assert (dry["log lines"], dry["missing"], dry["to send"]) == (5, 3, 3)
    assert not UsageBatch.objects.exists()

    first = replay()
    assert (first["known"], first["sent"], first["unreadable lines"]) == (0, 3, 1)
    assert first["log lines without a journal line"] == 1
    process_all()
    assert called.counted == 3
    assert {str(pk) for pk in UsageEvent.objects.values_list("event_id", flat=True)} == set(calls)
    assert AuditEvent.objects.get(action="usage:replay:files_replayed").after["sent"] == 3

    again = replay()
    assert (again["known"], again["missing"], again["sent"]) == (3, 0, 0)
    assert LogReplay.objects.count() == 1

    monkeypatch.delenv("GATEWAY_JOURNAL_DIR", raising=False)
    with pytest.raises(CommandError, match="journal"):
        call_command("replay_access_log", str(gateway.access_log))
    with pytest.raises(CommandError, match="no "):
        call_command("replay_access_log", str(tmp_path / "nothing"), "--journal", journals)

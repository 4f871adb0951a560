"""Worker and beat as real processes: they are seen alive, and missed when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from apps.core import health
from apps.core.actors import Actor
from apps.core.jobs import enqueue
from tests.architecture.sources import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SEEN_WITHIN_S = 40
MISSED_WITHIN_S = 20


def start(*arguments: str) -> subprocess.Popen[bytes]:
    parameters = connection.get_connection_params()
    url = "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**parameters)
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "marketplace", *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_until(condition: Callable[[], bool], timeout_s: float) -> float:
    started = time.monotonic()
    while time.monotonic() - started < timeout_s:
        if condition():
            return time.monotonic() - started
        time.sleep(0.2)
    raise AssertionError(f"not within {timeout_s} s")


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    process = start("worker", "--concurrency=1")
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def status_of(name: str) -> str:
    return health.check_everything().components[name].status


def test_killed_worker_is_missed_within_twenty_seconds(worker: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: status_of("worker") == "ok", SEEN_WITHIN_S)
    run = enqueue("core.make_partitions", actor=Actor.system("test"))

    def has_finished() -> bool:
        run.refresh_from_db()
        return run.status == "succeeded"

    wait_until(has_finished, SEEN_WITHIN_S)
    os.killpg(worker.pid, signal.SIGKILL)

    wait_until(lambda: status_of("worker") == "down", MISSED_WITHIN_S)
    assert health.check_everything().status == "degraded"


def test_beat_is_seen_alive() -> None:
    process = start("beat", "--pidfile=")
    try:
        wait_until(lambda: status_of("beat") == "ok", SEEN_WITHIN_S)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)

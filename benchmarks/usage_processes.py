"""Web and usage processors as processes of a benchmark's own, and the inbox between them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from django.db import connection

from apps.core import clock
from apps.core.models import ProcessHeartbeat
from apps.usage.constants import INBOX_CHANNEL
from apps.usage.enums import BatchStatus
from apps.usage.models import UsageBatch
from benchmarks.usage_batches import INTAKE_PATH, headers_of
from deploy.local.ports import LOOPBACK, find_free_ports
from tests.apps.gateway.dataplane.harness import Process, running, wait_for

READY_TIMEOUT_S: Final = 60.0
DONE_TIMEOUT_S: Final = 300.0
THREADS: Final = 4


class Web(Process):
    """One web process under granian, as in production."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = find_free_ports(1)
        argv = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
            *("--host", LOOPBACK, "--port", str(self.port)),
            *("--workers", "1", "--blocking-threads", str(THREADS)),
            "marketplace.wsgi:application",
        ]
        super().__init__(argv, dict(os.environ), folder / "web.log")

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        super().start()
        wait_for(self._answers, timeout_s=READY_TIMEOUT_S, what="web")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/health/live", trust_env=False).is_success
        except httpx.HTTPError:
            return False


class Processor(Process):
    """One usage processor."""

    def __init__(self, folder: Path, name: str) -> None:
        self.heart = f"usage-processor:{name}"
        super().__init__(
            [sys.executable, "manage.py", "run_usage_processor"],
            {**os.environ, "NODE_NAME": name},
            folder / f"{name}.log",
        )

    def start(self) -> None:
        began_at = clock.now()
        super().start()
        beating = ProcessHeartbeat.objects.filter(name=self.heart, seen_at__gt=began_at)
        wait_for(beating.exists, timeout_s=READY_TIMEOUT_S, what=self.heart)


@contextmanager
def working_folder() -> Iterator[Path]:
    """Make a folder for what the processes write."""
    with TemporaryDirectory(prefix="tollgate-bench-") as name:
        yield Path(name)


@contextmanager
def one_web() -> Iterator[Web]:
    """Run one web process."""
    with working_folder() as folder, running(Web(folder)) as web:
        yield web


def post(client: httpx.Client, body: bytes, batch_key: str) -> None:
    """Send a batch as the shipper does.

    Raises: RuntimeError when web does not take it.
    """
    answer = client.post(INTAKE_PATH, content=body, headers=headers_of(batch_key))
    if answer.status_code != httpx.codes.ACCEPTED:
        raise RuntimeError(f"web answered {answer.status_code}: {answer.text[:300]}")


def hold_inbox() -> None:
    """Keep what waits from the processors."""
    UsageBatch.objects.filter(status=BatchStatus.PENDING).update(available_at=_far_ahead())


def release_inbox() -> float:
    """Let the processors begin; return the moment, in seconds."""
    moment = clock.now()
    UsageBatch.objects.filter(status=BatchStatus.PENDING).update(available_at=moment)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [INBOX_CHANNEL])
    return moment.timestamp()


def wait_until_processed() -> float:
    """Wait until the inbox is empty; return the moment at which the last batch was done, in seconds."""
    deadline = time.monotonic() + DONE_TIMEOUT_S
    while UsageBatch.objects.exclude(status=BatchStatus.PROCESSED).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not processed within {DONE_TIMEOUT_S} s")
        time.sleep(0.02)
    last = UsageBatch.objects.order_by("-processed_at").values_list("processed_at", flat=True)[0]
    assert last is not None  # noqa: S101 -- for the types: all are processed
    return last.timestamp()


def _far_ahead() -> Any:
    return clock.now().replace(year=clock.now().year + 1)

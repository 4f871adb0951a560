"""Programs of Tollgate as processes of their own on the test database, which a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from django.conf import settings

from deploy.local.ports import LOOPBACK, find_free_ports
from tests.apps.gateway.dataplane.harness import ROOT, wait_for
from tests.database_gate import database_url


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a program of Tollgate on the test database, with what it starts in a group of its own."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a program and all that it started; what it said goes to whoever looks into a failure."""
    os.killpg(process.pid, signal.SIGKILL)
    sys.stdout.write(process.communicate()[0])


@contextmanager
def web(**environment: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run web as it runs in production, and ask it once."""
    (port,) = find_free_ports(1)
    process = start(
        *("-m", "granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "2", "--no-ws", "marketplace.wsgi:application"),
        **environment,
    )
    client = httpx.Client(
        base_url=f"http://{LOOPBACK}:{port}",
        trust_env=False,
        timeout=30,
        headers={"Host": "localhost"},
    )

    def lives() -> bool:
        try:
            return client.get("/api/health/live").status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_for(lives, timeout_s=60, what="web")
        yield process, client
    finally:
        client.close()
        if process.poll() is None:
            kill(process)

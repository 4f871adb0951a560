"""Programs of Tollgate as processes of their own on the test database, which a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

import httpx
from django.conf import settings

from deploy.local.ports import LOOPBACK, find_free_ports
from tests.apps.gateway.dataplane.harness import ROOT, wait_for
from tests.database_gate import database_url


class Program(NamedTuple):
    """A process and what it says. That goes to a file: a pipe that nobody reads stops who writes to it once it is full."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]


def start(*arguments: str, **environment: str) -> Program:
    """Start a program of Tollgate on the test database, with what it starts in a group of its own."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 -- `kill` closes it
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            **environment,
        },
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return Program(process, output)


def kill(program: Program) -> None:
    """Kill a program and all that it started; what it said goes to whoever looks into a failure."""
    os.killpg(program.process.pid, signal.SIGKILL)
    program.process.wait()
    with program.output as said:
        said.seek(0)
        sys.stdout.write(said.read().decode())


@contextmanager
def web(**environment: str) -> Iterator[tuple[Program, httpx.Client]]:
    """Run web as it runs in production, and ask it once."""
    (port,) = find_free_ports(1)
    program = start(
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
        yield program, client
    finally:
        client.close()
        if program.process.poll() is None:
            kill(program)

"""Each long-running process refuses to start where it cannot work, with a line that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import psycopg
import pytest

# Each starts a process that takes a while to give up.
pytestmark = pytest.mark.slow

START_TIMEOUT_S: Final = 60
EX_CONFIG: Final = 78
PROCESSES: Final = {
    "web": ("granian", "--interface", "wsgi", "--port", "0", "marketplace.wsgi:application"),
    "worker": ("celery", "-A", "marketplace", "worker", "--pool=solo"),
    "beat": ("celery", "-A", "marketplace", "beat", "--pidfile="),
    "relay": ("manage", "run_relay"),
    "usage-processor": ("manage", "run_usage_processor"),
}


@pytest.fixture(params=PROCESSES)
def process(request: pytest.FixtureRequest) -> list[str]:
    """The command line of one process."""
    program, *arguments = PROCESSES[request.param]
    module = ["manage.py"] if program == "manage" else ["-m", program]
    return [sys.executable, *module, *arguments]


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The URL of a database in which no migration was ever run."""
    server = urlsplit(os.environ["DATABASE_URL"])
    # Workers of a parallel run share the server.
    name = f"tollgate_never_migrated_{os.getpid()}"
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
        yield server._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def start(command: list[str], **environment: str) -> tuple[int, str]:
    """Run a process until it ends and return its exit status and what it said."""
    ended = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_an_unreachable_database_stops_the_start(process: list[str]) -> None:
    """The message names the address and what to do about it."""
    status, said = start(process, DATABASE_URL="postgres://u:p@127.0.0.1:1/nothing")

    assert status != 0
    assert "tollgate: cannot start. Database: cannot connect to 127.0.0.1:1" in said
    assert "Start PostgreSQL or correct DATABASE_URL." in said


def test_pending_migrations_stop_the_start(process: list[str], empty_database: str) -> None:
    """The message counts them and names the command."""
    status, said = start(process, DATABASE_URL=empty_database)

    assert status != 0
    assert "tollgate: cannot start. Migrations: " in said
    assert "Run `python manage.py migrate`." in said


def test_a_missing_setting_stops_the_start(process: list[str]) -> None:
    """The message names the setting, and the file that may hold it instead."""
    status, said = start(
        process, SECRET_KEY="", DJANGO_SETTINGS_MODULE="marketplace.settings.production"
    )

    assert status != 0
    assert "SECRET_KEY is not set. Set it (or SECRET_KEY_FILE) in the environment." in said


def test_a_refusal_has_the_exit_status_of_a_configuration_fault() -> None:
    """A supervisor can tell it from a crash."""
    command = [sys.executable, "manage.py", "run_relay"]

    status, _said = start(command, DATABASE_URL="postgres://u:p@127.0.0.1:1/nothing")

    assert status == EX_CONFIG

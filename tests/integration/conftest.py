"""A relay and an authorizer, as processes of their own, on the servers of the tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from apps.gateway.valkey import get_client
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    Process,
    running,
    wait_for,
)
from tests.database_gate import database_url


@contextmanager
def relay_process(folder: Path, **settings_of_it: str) -> Iterator[Process]:
    """Run a relay on the test database until it leads."""
    get_client().flushdb()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "BROKER_URL": settings.REDIS_URL,
        "NODE_NAME": "relay-under-test",
        **settings_of_it,
    }
    argv = [sys.executable, "manage.py", "run_relay"]
    with running(Process(argv, environment, folder / "relay.log")) as process:
        try:
            wait_for(lambda: get_client().exists("{registry}:head"), timeout_s=90, what="the relay")
            yield process
        except BaseException:
            sys.stderr.write(process.log.read_text())
            raise
    get_client().flushdb()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Process]:
    """Run the relay on the test database."""
    with relay_process(tmp_path) as process:
        yield process


@pytest.fixture
def authorizer(tmp_path: Path, relay: Process) -> Iterator[AuthorizerProcess]:
    """Run an authorizer that follows the registry of the relay."""
    peppers = ",".join(f"{number}:{pepper}" for number, pepper in settings.KEY_PEPPERS.items())
    process = AuthorizerProcess(tmp_path, settings.REDIS_URL, KEY_PEPPERS=peppers)
    with running(process):
        process.wait_until("serving")
        yield process

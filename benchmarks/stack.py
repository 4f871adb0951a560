"""PostgreSQL, Valkey, a relay and an authorizer of a benchmark's own, and Django connected to them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.servers import durable_servers
from tests.apps.gateway.dataplane.harness import AuthorizerProcess, Process, running, wait_for

REGISTRY_HEAD: Final = "{registry}:head"
READY_TIMEOUT_S: Final = 60.0


@contextmanager
def gateway_stack() -> Iterator[AuthorizerProcess]:
    """Run everything that brings a change to an authorizer; yield the authorizer."""
    with (
        durable_servers(),
        TemporaryDirectory(prefix="tollgate-bench-") as name,
        _processes(Path(name)) as authorizer,
    ):
        yield authorizer


@contextmanager
def _processes(folder: Path) -> Iterator[AuthorizerProcess]:
    from django.conf import settings  # noqa: PLC0415 -- after django.setup()

    from apps.gateway.valkey import get_client  # noqa: PLC0415 -- see above

    argv = [sys.executable, "manage.py", "run_relay"]
    relay = Process(argv, {**os.environ, "NODE_NAME": "relay"}, folder / "relay.log")
    peppers = ",".join(f"{number}:{pepper}" for number, pepper in settings.KEY_PEPPERS.items())
    authorizer = AuthorizerProcess(folder, settings.REDIS_URL, KEY_PEPPERS=peppers)
    try:
        with running(relay):
            wait_for(
                lambda: get_client().exists(REGISTRY_HEAD),
                timeout_s=READY_TIMEOUT_S,
                what="the relay",
            )
            with running(authorizer):
                authorizer.wait_until("serving")
                yield authorizer
    except BaseException:
        sys.stderr.write(relay.log.read_text()[-4_000:])
        raise

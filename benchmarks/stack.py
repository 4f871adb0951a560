"""PostgreSQL, Valkey, a relay and an authorizer of a benchmark's own, and Django connected to them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import django

from deploy.local.throwaway import ThrowawayServers
from tests.apps.gateway.dataplane.harness import AuthorizerProcess, Process, running, wait_for
from tests.template_database import TEMPLATE_NAME, get_template

REGISTRY_HEAD: Final = "{registry}:head"
READY_TIMEOUT_S: Final = 60.0


@contextmanager
def gateway_stack() -> Iterator[AuthorizerProcess]:
    """Run everything that brings a change to an authorizer; yield the authorizer."""
    # The template is migrated with these settings too.
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings.test"
    with ThrowawayServers() as servers, TemporaryDirectory(prefix="tollgate-bench-") as name:
        servers.start_valkey()
        template = get_template(servers)
        servers.start_postgres(copy_of=template.folder, password=template.password, durable=True)
        address, _, _ = servers.database_url.rpartition("/")
        os.environ |= {
            "DATABASE_URL": f"{address}/{TEMPLATE_NAME}",
            "REDIS_URL": servers.redis_url,
            "BROKER_URL": servers.redis_url,
            "LOG_LEVEL": "WARNING",
        }
        django.setup()
        with _processes(Path(name)) as authorizer:
            yield authorizer


@contextmanager
def _processes(folder: Path) -> Iterator[AuthorizerProcess]:
    from django.conf import settings  # noqa: PLC0415 -- after django.setup()
    from django.db import connections  # noqa: PLC0415 -- see above

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
    finally:
        connections.close_all()

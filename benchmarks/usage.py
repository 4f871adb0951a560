"""Intake to windows against raw COPY, on a PostgreSQL of this run's own."""

from __future__ import annotations

import os
from typing import Final

import django

from benchmarks.results import Measure
from deploy.local.throwaway import ThrowawayServers
from tests.template_database import TEMPLATE_NAME, get_template

GOAL: Final = 0.2


def measure() -> list[Measure]:
    """Measure both sides once."""
    with ThrowawayServers() as servers:
        servers.start_valkey()
        template = get_template(servers)
        servers.start_postgres(copy_of=template.folder, password=template.password)
        address, _, _ = servers.database_url.rpartition("/")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "marketplace.settings.test",
            "DATABASE_URL": f"{address}/{TEMPLATE_NAME}",
            "REDIS_URL": servers.redis_url,
            "BROKER_URL": servers.redis_url,
            "LOG_LEVEL": "WARNING",
        }
        django.setup()
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from benchmarks.ingest import run  # noqa: PLC0415 -- after django.setup()
    from tests.factories.subscriptions import make_subscription  # noqa: PLC0415 -- see above

    try:
        ours, copy = run(make_subscription())
    finally:
        connection.close()
    return [
        Measure("raw COPY of the same rows", copy, "events/s"),
        Measure("POST to windows, one processor", ours, "events/s"),
        Measure("POST to windows / raw COPY", ours / copy, "ratio", GOAL),
    ]

"""Intake to windows against raw COPY, on a PostgreSQL of this run's own."""

from __future__ import annotations

import os
from statistics import median
from typing import Final

import django

from benchmarks.results import Measure
from deploy.local.throwaway import ThrowawayServers
from tests.template_database import TEMPLATE_NAME, get_template

GOAL: Final = 0.2
KEYS: Final = 10


def measure() -> list[Measure]:
    """Measure both sides, round by round, and return the medians."""
    # The template is migrated with these settings too.
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings.test"
    with ThrowawayServers() as servers:
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
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from benchmarks.ingest import run  # noqa: PLC0415 -- after django.setup()
    from tests.factories.keys import make_key  # noqa: PLC0415 -- see above

    try:
        rounds = run([make_key().key for _number in range(KEYS)])
    finally:
        connection.close()
    ratio = median(each.ours / each.copy for each in rounds)
    unit = "events/s"
    return [
        Measure("COPY into a bare heap", median(each.heap for each in rounds), unit),
        Measure("COPY into an equal table", median(each.copy for each in rounds), unit),
        Measure("POST to windows, one processor", median(each.ours for each in rounds), unit),
        Measure("POST to windows / COPY into an equal table", ratio, "ratio", GOAL),
    ]

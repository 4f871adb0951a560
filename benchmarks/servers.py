"""PostgreSQL and Valkey of a benchmark's own, as durable as in production, and Django connected to them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django

from deploy.local.throwaway import ThrowawayServers
from tests.template_database import TEMPLATE_NAME, get_template


@contextmanager
def durable_servers() -> Iterator[ThrowawayServers]:
    """Start both, with a migrated database, and set Django up. Once in a process's life."""
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
        # It can be imported only now.
        from django.db import connections  # noqa: PLC0415 -- after django.setup()

        try:
            yield servers
        finally:
            connections.close_all()

"""The pool of database connections: a restart of PostgreSQL is not seen by the next request."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client


def end_idle_connections() -> int:
    """End every other session of this database at the server; return how many there were."""
    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
        autocommit=True,
    ) as server:
        ended = server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return len(ended)


@pytest.mark.django_db(transaction=True)
def test_the_first_request_after_a_restart_of_the_database_is_answered(client: Client) -> None:
    """The connection in the pool is dead; it is replaced before it is lent."""
    assert client.get("/accounts/login/").status_code == 200
    connection.close()
    assert end_idle_connections() >= 1

    assert client.get("/accounts/login/").status_code == 200

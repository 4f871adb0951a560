"""The pool of database connections: a restart of PostgreSQL is not seen by the next request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

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


def fill_pool(count: int) -> None:
    """Leave that many connections in the pool, as a time of much work does."""
    barrier = Barrier(count)

    def take() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        barrier.wait()  # nobody gives back before all have taken
        connection.close()

    with ThreadPoolExecutor(count) as threads:
        for taken in [threads.submit(take) for _number in range(count)]:
            taken.result()


@pytest.mark.django_db(transaction=True)
def test_a_request_meets_no_dead_connection_however_many_lay_in_the_pool(client: Client) -> None:
    """The pool's own check gives up after three dead ones in a row, some seconds later."""
    fill_pool(6)
    connection.close()
    assert end_idle_connections() >= 6

    assert client.get("/accounts/login/").status_code == 200

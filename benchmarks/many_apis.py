"""Thousands of active APIs, each with a subscription and a key, copied from one that the services made."""

from __future__ import annotations

from typing import Final

from django.db import connection

from apps.apis.models import Api
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from tests.factories.keys import make_key

_API: Final = "md5('api-' || n)::uuid"
_SUBSCRIPTION: Final = "md5('sub-' || n)::uuid"


def make_many_apis(count: int) -> None:
    """Copy one API with its subscription and its key `count` times."""
    key = make_key().key
    subscription = key.subscription
    _copy(Api._meta.db_table, str(subscription.api_id), count, id=_API, slug="'bench-' || n")
    _copy(
        Subscription._meta.db_table,
        str(subscription.pk),
        count,
        id=_SUBSCRIPTION,
        api_id=_API,
    )
    _copy(
        ApiKey._meta.db_table,
        str(key.pk),
        count,
        id="md5('key-' || n)::uuid",
        subscription_id=_SUBSCRIPTION,
        digest="md5('d1' || n) || md5('d2' || n)",
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _copy(table: str, row_id: str, count: int, **changed: str) -> None:
    """Insert a row again and again, with columns computed from its number `n`."""
    with connection.cursor() as cursor:
        columns = [
            column.name for column in connection.introspection.get_table_description(cursor, table)
        ]
        values = ", ".join(changed.get(name, f't."{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values}"  # noqa: S608 -- names of our own tables
            f" FROM {table} t, generate_series(1, %s) AS n WHERE t.id = %s",
            [count, row_id],
        )

"""Lends only connections that live, at once also after the server was restarted.

The pool's own check (`CONN_HEALTH_CHECKS`) replaces a dead connection after a second, the next one after two more, then four: a
request that meets four of them waits for its whole patience and fails. Here the first dead one has all others
looked at, so that the second one lent is new.
"""

from __future__ import annotations

from typing import Any

import psycopg
import structlog
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

logger = structlog.get_logger(__name__)


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend named in `DATABASES`."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Lend a connection of the pool that has just answered.

        Raises:
            psycopg.OperationalError: the server is away; Django translates it.
        """
        lent = super().get_new_connection(conn_params)
        pool: ConnectionPool[Any] | None = self.pool
        if pool is None or _answers(lent):
            return lent
        logger.warning("database.connection_was_dead")
        pool.putconn(lent)  # it sees that it is dead, and makes another
        pool.check()
        return super().get_new_connection(conn_params)


def _answers(connection: Any) -> bool:
    """Tell whether the server still knows a connection; one round trip."""
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        return False
    return True

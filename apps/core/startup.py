"""Checks that every long-running process makes before it serves: fail early, say what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import psycopg
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

CONNECT_TIMEOUT_S: Final = 5


class NotReadyError(RuntimeError):
    """The process must not start; the message says what to do."""


def require_configuration() -> None:
    """Refuse settings that a system check calls an error."""
    errors = [message for message in checks.run_checks() if message.level >= checks.ERROR]
    if errors:
        lines = [f"{error.msg} {error.hint or ''}".strip() for error in errors]
        raise NotReadyError("Configuration: " + " | ".join(lines))


def require_database() -> None:
    """Refuse an unreachable database. Asked beside the pool, which hides the reason and waits long."""
    names = ("host", "port", "user", "password", "dbname", "sslmode")
    wanted = connection.get_connection_params()
    parameters = {name: wanted[name] for name in names if wanted.get(name)}
    try:
        psycopg.connect(**parameters, connect_timeout=CONNECT_TIMEOUT_S).close()
    except psycopg.OperationalError as error:
        host, port = parameters.get("host", "localhost"), parameters.get("port", "5432")
        reason = " ".join(str(error).split())
        msg = (
            f"Database: cannot connect to {host}:{port} ({reason}). "
            "Start PostgreSQL or correct DATABASE_URL."
        )
        raise NotReadyError(msg) from error


def require_migrations() -> None:
    """Refuse a database that lacks migrations."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first = plan[0][0]
        msg = (
            f"Migrations: {len(plan)} not applied, first {first.app_label}.{first.name}. "
            "Run `python manage.py migrate`."
        )
        raise NotReadyError(msg)


def require_ready(*extra: Callable[[], None]) -> None:
    """Make all checks; on refusal print one line and exit with status 78 (EX_CONFIG)."""
    try:
        for check in (require_database, require_configuration, require_migrations, *extra):
            check()
    except NotReadyError as error:
        sys.stderr.write(f"tollgate: cannot start. {error}\n")
        raise SystemExit(78) from error

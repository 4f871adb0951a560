"""Checks that every long-running process makes before it serves: fail early, say what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.core import checks
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


class NotReadyError(RuntimeError):
    """The process must not start; the message says what to do."""


def require_configuration() -> None:
    """Refuse settings that a system check calls an error."""
    errors = [message for message in checks.run_checks() if message.level >= checks.ERROR]
    if errors:
        lines = [f"{error.msg} {error.hint or ''}".strip() for error in errors]
        raise NotReadyError("Configuration: " + " | ".join(lines))


def require_database() -> None:
    """Refuse an unreachable database."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        host = connection.settings_dict.get("HOST") or "localhost"
        port = connection.settings_dict.get("PORT") or "5432"
        msg = (
            f"Database: cannot connect to {host}:{port} ({str(error).strip().splitlines()[-1]}). "
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
        for check in (require_configuration, require_database, require_migrations, *extra):
            check()
    except NotReadyError as error:
        sys.stderr.write(f"tollgate: cannot start. {error}\n")
        raise SystemExit(78) from error

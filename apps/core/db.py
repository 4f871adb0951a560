"""Guards for transactions, and what a process that lives long needs to outlive its database."""

from __future__ import annotations

from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction

# What a statement raises when its connection is gone, or had gone before it.
CONNECTION_LOST: Final = (OperationalError, InterfaceError)


class TransactionRequiredError(RuntimeError):
    """Code that must share its caller's transaction was called outside one."""


class TransactionForbiddenError(RuntimeError):
    """Code that talks to the network was called inside a transaction."""


def require_transaction() -> None:
    """Refuse to go on outside a transaction: the caller's rows and ours must commit together."""
    if not transaction.get_connection().in_atomic_block:
        msg = "call this inside transaction.atomic()"
        raise TransactionRequiredError(msg)


def forbid_transaction() -> None:
    """Refuse to go on inside a transaction: a slow peer would hold its locks.

    Tests run inside an outer transaction of the test case, which does not count.
    """
    connection = transaction.get_connection()
    blocks = getattr(connection, "atomic_blocks", [])
    if any(not getattr(block, "_from_testcase", False) for block in blocks):
        msg = "no network calls inside transaction.atomic(): commit first"
        raise TransactionForbiddenError(msg)


def wait_for_notification(timeout_s: float) -> bool:
    """Wait until a channel that this thread's connection listens to is notified; tell whether one was.

    Raises:
        django.db.OperationalError: the connection is lost. (psycopg's own error would pass those who wait it out.)
    """
    with connection.wrap_database_errors:
        return bool(list(connection.connection.notifies(timeout=timeout_s, stop_after=1)))


def end_session() -> None:
    """Give this thread's connection back without the advisory locks and channels that it holds.

    The pool lends the session again as it is: a lock that is left on it stays held although nobody knows of it, and
    no other relay would ever lead.
    """
    try:
        if connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_all()")
                cursor.execute("UNLISTEN *")
    except CONNECTION_LOST:
        pass  # the session ended with its connection, and its locks with it
    finally:
        connection.close()

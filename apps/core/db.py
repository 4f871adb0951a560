"""Guards for transactions."""

from __future__ import annotations

from django.db import transaction


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

"""Idempotency keys: the same request sent twice, or twice at once, is carried out once.

The key's row is inserted in the transaction that does the work. A parallel request with the same key waits at the
unique index until that transaction ends, then finds the stored answer and replays it. A refusal rolls everything
back, so nothing is stored and the request may be corrected and sent again under the same key.

Source: docs/api/idempotency.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.exceptions import IdempotencyConflict, InvalidInput
from apps.core.ids import uuid7
from apps.core.models import IdempotencyKey

KEPT_FOR: Final = timedelta(hours=24)
MAX_KEY_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was given, or is given now."""

    status: int
    body: Any
    is_replay: bool


def fingerprint_of(method: str, path: str, body: bytes) -> str:
    """Return a digest by which two requests are told apart."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def run_once(
    *, scope: str, key: str, fingerprint: str, work: Callable[[], tuple[int, Any]]
) -> StoredAnswer:
    """Do the work unless the key has an answer already; both in one transaction.

    `work` returns an HTTP status and a JSON body, and must not talk to the network.

    Raises:
        InvalidInput: the key is empty or too long.
        IdempotencyConflict: the key was used with another request.
    """
    _require_key(key)
    with transaction.atomic():
        row, is_new = _claim(scope=scope, key=key, fingerprint=fingerprint)
        if not is_new:
            return _replay(row, fingerprint)
        status, body = work()
        row.response_status, row.response_body = status, body
        row.save(update_fields=["response_status", "response_body"])
    return StoredAnswer(status, body, is_replay=False)


def find_answer(*, scope: str, key: str, fingerprint: str) -> StoredAnswer | None:
    """Return the answer that the key has already, before anything is prepared for work that would not be done.

    None says nothing about a request that is being carried out now; `run_once` still decides.

    Raises:
        InvalidInput: the key is empty or too long.
        IdempotencyConflict: the key was used with another request.
    """
    _require_key(key)
    rows = IdempotencyKey.objects.filter(scope=scope, key=key, expires_at__gte=clock.now())
    row = rows.first()
    return None if row is None else _replay(row, fingerprint)


def _require_key(key: str) -> None:
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidInput(_("Idempotency-Key must have 1 to 255 printable characters."))


def _claim(*, scope: str, key: str, fingerprint: str) -> tuple[IdempotencyKey, bool]:
    """Insert the key's row, waiting for a parallel insert to end; an expired row is reused."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotencykey (id, created_at, scope, key, fingerprint, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (scope, key) DO UPDATE"
            " SET fingerprint = EXCLUDED.fingerprint, created_at = EXCLUDED.created_at,"
            " expires_at = EXCLUDED.expires_at, response_status = NULL, response_body = NULL"
            " WHERE core_idempotencykey.expires_at < EXCLUDED.created_at RETURNING id",
            [uuid7(), now, scope, key, fingerprint, now + KEPT_FOR],
        )
        is_new = cursor.fetchone() is not None
    return IdempotencyKey.objects.get(scope=scope, key=key), is_new


def _replay(row: IdempotencyKey, fingerprint: str) -> StoredAnswer:
    if row.fingerprint != fingerprint or row.response_status is None:
        raise IdempotencyConflict(_("This Idempotency-Key was used with another request."))
    return StoredAnswer(row.response_status, row.response_body, is_replay=True)

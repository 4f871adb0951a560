"""Dead letters: work that failed for good, retried or discarded by a person who says why.

The app whose work it is registers how to retry with `@retries("usage")`; the outbox's own is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.enums import OutboxStatus
from apps.core.exceptions import Conflict, RuleViolated
from apps.core.models import DeadLetter, OutboxMessage
from apps.core.outbox import CHANNEL

RETRIED: Final = "retried"
DISCARDED: Final = "discarded"

Retry = Callable[[DeadLetter], None]
_retries: dict[str, Retry] = {}


def retries(source: str) -> Callable[[Retry], Retry]:
    """Register how a source's work is queued again; called in the transaction that resolves the letter."""

    def register(retry: Retry) -> Retry:
        _retries[source] = retry
        return retry

    return register


@transaction.atomic
def retry_dead_letter(*, letter: DeadLetter, actor: Actor, reason: str) -> DeadLetter:
    """Queue the work again, with all its attempts.

    Raises:
        Conflict: the letter was resolved before.
        RuleViolated: no reason, or nobody knows how to retry this source.
    """
    letter = _lock_open(letter, reason)
    if letter.source not in _retries:
        raise RuleViolated(_("Work of this source cannot be retried."))
    _retries[letter.source](letter)
    return _resolve(letter, RETRIED, actor, reason)


@transaction.atomic
def discard_dead_letter(*, letter: DeadLetter, actor: Actor, reason: str) -> DeadLetter:
    """Give the work up; the letter stays as a record.

    Raises:
        Conflict: the letter was resolved before.
        RuleViolated: no reason.
    """
    return _resolve(_lock_open(letter, reason), DISCARDED, actor, reason)


def _lock_open(letter: DeadLetter, reason: str) -> DeadLetter:
    if not reason.strip():
        raise RuleViolated(_("Say why."), field="reason")
    rows = DeadLetter.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.get(pk=letter.pk)
    if locked.resolved_at is not None:
        raise Conflict(_("This dead letter is resolved already."))
    return locked


def _resolve(letter: DeadLetter, resolution: str, actor: Actor, reason: str) -> DeadLetter:
    letter.resolved_at = clock.now()
    letter.resolution = resolution
    letter.resolution_note = reason
    letter.save(update_fields=["resolved_at", "resolution", "resolution_note", "updated_at"])
    record_audit(
        action=f"core:dead_letter:{resolution}",
        target=letter,
        actor=actor,
        before={"source": letter.source, "reference": letter.reference},
        reason=reason,
    )
    return letter


@retries("outbox")
def retry_outbox_message(letter: DeadLetter) -> None:
    """Make the message pending again and wake the relay."""
    OutboxMessage.objects.filter(pk=letter.reference).update(
        status=OutboxStatus.PENDING, attempts=0, available_at=clock.now()
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])

"""Dead letters: work that failed for good, retried or discarded by a person who says why.

The app whose work it is registers how to retry with `@retries("usage.event")`, and how a payload that a person edited is
checked, if it may be edited; the outbox's own is here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import require_transaction
from apps.core.enums import DeadLetterState, OutboxStatus
from apps.core.exceptions import Conflict, DomainError, RuleViolated
from apps.core.jobs import enqueue
from apps.core.models import DeadLetter, JobRun, OutboxMessage
from apps.core.outbox import CHANNEL

logger = structlog.get_logger(__name__)

PROGRESS_EVERY: Final = 20
RETRY_JOB: Final = "core.retry_dead_letters"

Retry = Callable[[DeadLetter], None]
Check = Callable[[DeadLetter, Any], Any]


@dataclass(frozen=True, slots=True)
class _Source:
    retry: Retry
    check: Check | None


_sources: dict[str, _Source] = {}


def retries(source: str, *, check: Check | None = None) -> Callable[[Retry], Retry]:
    """Register how a source's work, `letter.work`, is queued again; called in the transaction that resolves the letter.

    `check` takes a letter with the payload that a person made of it, and returns what is kept; it raises `RuleViolated`
    with the field `payload`. Without one, payloads of the source are not edited.
    """

    def register(retry: Retry) -> Retry:
        _sources[source] = _Source(retry, check)
        return retry

    return register


def retried_sources() -> list[str]:
    """Return the sources whose work can be queued again."""
    return sorted(_sources)


def can_retry(letter: DeadLetter) -> bool:
    """Whether the work can be queued again."""
    return letter.resolved_at is None and letter.source in _sources


def can_edit(letter: DeadLetter) -> bool:
    """Whether the payload may be edited before the work is queued again."""
    return can_retry(letter) and _sources[letter.source].check is not None


@transaction.atomic
def retry_dead_letter(
    *, letter: DeadLetter, actor: Actor, reason: str, payload: Any = None
) -> DeadLetter:
    """Queue the work again, with all its attempts; edited, if `payload` says how. The original is kept.

    Raises:
        Conflict: the letter was resolved before.
        RuleViolated: no reason, nobody knows how to retry this source, or the payload is not good.
    """
    letter = _lock_open(letter, reason)
    source = _sources.get(letter.source)
    if source is None:
        raise RuleViolated(_("Work of this source cannot be retried."))
    if payload is not None and payload != letter.payload:
        if source.check is None:
            raise RuleViolated(_("Work of this source cannot be edited."), field="payload")
        letter.edited_payload = source.check(letter, payload)
    source.retry(letter)
    return _resolve(letter, DeadLetterState.RETRIED, actor, reason)


@transaction.atomic
def discard_dead_letter(*, letter: DeadLetter, actor: Actor, reason: str) -> DeadLetter:
    """Give the work up; the letter stays as a record.

    Raises:
        Conflict: the letter was resolved before.
        RuleViolated: no reason.
    """
    return _resolve(_lock_open(letter, reason), DeadLetterState.DISCARDED, actor, reason)


@transaction.atomic
def start_retry_of_all(*, source: str, actor: Actor, reason: str) -> JobRun:
    """Retry every open letter of a source, or of all sources (empty), as a job whose run shows how far it is.

    Raises:
        RuleViolated: no reason, or nobody knows how to retry this source.
    """
    if not reason.strip():
        raise RuleViolated(_("Say why."), field="reason")
    if source and source not in _sources:
        raise RuleViolated(_("Work of this source cannot be retried."), field="source")
    run = enqueue(
        RETRY_JOB,
        actor=actor,
        source=source,
        reason=reason,
        user_id=str(actor.user_id) if actor.user_id else None,
    )
    record_audit(
        action="core:dead_letters:retry_all",
        target=run,
        actor=actor,
        after={"source": source},
        reason=reason,
    )
    return run


def retry_open_letters(
    *, source: str, until: datetime, actor: Actor, reason: str, progress: Callable[[int, int], None]
) -> dict[str, int]:
    """Retry the letters of a source, or of all (empty), that were open at an instant, each in its own transaction.

    Returns:
        How many were retried, and how many could not be.
    """
    rows = DeadLetter.objects.filter(resolved_at=None, created_at__lte=until)
    rows = rows.filter(source__in=[source] if source else list(_sources))
    keys = list(rows.order_by("id").values_list("pk", flat=True))
    counts = {"retried": 0, "refused": 0}
    for done, pk in enumerate(keys, start=1):
        try:
            retry_dead_letter(letter=DeadLetter(pk=pk), actor=actor, reason=reason)
            counts["retried"] += 1
        except DomainError as error:
            logger.warning("dead_letter.refused", letter=str(pk), reason=str(error.detail))
            counts["refused"] += 1
        if done % PROGRESS_EVERY == 0 or done == len(keys):
            progress(done, len(keys))
    return counts


def bury(
    *,
    source: str,
    reference: str,
    payload: Any,
    error: Exception,
    organization_id: UUID | None = None,
) -> bool:
    """Write down that work failed, once while the letter is open; return whether it is new. Attempts are counted."""
    letter, is_new = DeadLetter.objects.get_or_create(
        source=source,
        reference=reference,
        resolved_at=None,
        defaults={
            "payload": payload,
            "reason": f"{type(error).__name__}: {error}",
            "attempts": 1,
            "organization_id": organization_id,
        },
    )
    if not is_new:
        DeadLetter.objects.filter(pk=letter.pk).update(attempts=F("attempts") + 1)
    return is_new


def resolve_done(*, source: str, references: Collection[str], actor: Actor) -> None:
    """Resolve the open letters of work that succeeds in the caller's transaction. One query where there are none."""
    require_transaction()
    rows = DeadLetter.objects.filter(
        source=source, reference__in=references, resolved_at=None
    ).select_for_update(of=("self",), no_key=True)
    for letter in rows.order_by("id"):
        _resolve(letter, DeadLetterState.RETRIED, actor, _("It has been done since."))


def _lock_open(letter: DeadLetter, reason: str) -> DeadLetter:
    if not reason.strip():
        raise RuleViolated(_("Say why."), field="reason")
    rows = DeadLetter.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.get(pk=letter.pk)
    if locked.resolved_at is not None:
        raise Conflict(_("This dead letter is resolved already."))
    return locked


def _resolve(letter: DeadLetter, state: DeadLetterState, actor: Actor, reason: str) -> DeadLetter:
    letter.resolved_at = clock.now()
    letter.resolution = state.value
    letter.resolution_note = reason
    letter.save(
        update_fields=[
            "edited_payload",
            "resolved_at",
            "resolution",
            "resolution_note",
            "updated_at",
        ]
    )
    record_audit(
        action=f"core:dead_letter:{state.value}",
        target=letter,
        actor=actor,
        before={"source": letter.source, "reference": letter.reference},
        after={"edited": letter.edited_payload is not None},
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

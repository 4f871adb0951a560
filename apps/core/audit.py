"""The audit trail: written in the transaction of the change it records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models

from apps.core.actors import Actor
from apps.core.db import require_transaction
from apps.core.models import AuditEvent
from apps.core.money import Money
from apps.core.request_context import current_request_id


def _plain(value: Any) -> Any:  # noqa: PLR0911 -- a table of types
    """Turn a value into what JSON holds; amounts and times become text."""
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Money):
        return {"amount_minor": value.amount_minor, "currency": value.currency}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def record_audit(  # noqa: PLR0913 -- an audit row has that many facets; all are named
    *,
    action: str,
    target: models.Model,
    actor: Actor,
    organization_id: UUID | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Write one row of the audit trail in the caller's transaction.

    `action` reads `domain:subject:verb` in the past tense, for example `keys:key:revoked`. Without an
    organization the target's own `organization_id` is used, then the actor's. Never pass secrets: only
    the changed fields that a reader may see.

    Raises:
        TransactionRequiredError: called outside a transaction.
    """
    entry = AuditEntry(
        target=target, organization_id=organization_id, before=before or {}, after=after or {}
    )
    return record_audits(action=action, entries=[entry], actor=actor, reason=reason)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What one of many rows of the audit trail is about; the fields are those of `record_audit`."""

    target: models.Model
    organization_id: UUID | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def record_audits(
    *, action: str, entries: Sequence[AuditEntry], actor: Actor, reason: str = ""
) -> list[AuditEvent]:
    """Write a row for each of many targets of one action in the caller's transaction. One query.

    Raises:
        TransactionRequiredError: called outside a transaction.
    """
    require_transaction()
    return AuditEvent.objects.bulk_create(
        AuditEvent(
            action=action,
            actor_kind=actor.kind,
            actor_user_id=actor.user_id,
            actor_token_id=actor.token_id,
            actor_label=actor.label[:200],
            organization_id=entry.organization_id
            or getattr(entry.target, "organization_id", None)
            or actor.organization_id,
            target_type=entry.target._meta.label_lower,
            target_id=entry.target.pk,
            before=_plain(entry.before),
            after=_plain(entry.after),
            reason=reason,
            request_id=current_request_id(),
            ip=actor.ip or None,
            user_agent=actor.user_agent[:300],
        )
        for entry in entries
    )

"""How a key's term ends: it expires, or it gets another term."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.querysets import only_of
from apps.keys.constants import RENEWAL_LEAD
from apps.keys.events import KeyChanged, KeyRenewed
from apps.keys.models import ApiKey
from apps.keys.services.changing import EXPIRABLE, end_by_expiring, facts_of
from apps.subscriptions.enums import CALLABLE_STATUSES

OFFSET: Final = F("organization__clock_offset")


def expire_due_keys(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """End the keys whose expiry has come, by their account's clock; return how many.

    One that is to be renewed, and whose subscription lets calls pass, gets its next term instead. The authorizer
    refuses an expired key on its own at that very moment; this writes it down. Only those of one organization where one is named.
    Publishes KeyExpired.
    """
    due = ApiKey.objects.filter(status__in=EXPIRABLE, expires_at__lte=clock.now() + OFFSET)
    keys = only_of(due, organization_id)
    return sum(_end_term(key_id, actor=actor) for key_id in keys.values_list("pk", flat=True))


def renew_due_keys(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Give the keys that are to be renewed and end within the hour their next term; return how many.

    None whose subscription lets no calls pass. Publishes KeyChanged and KeyRenewed.
    """
    due = ApiKey.objects.filter(
        status__in=EXPIRABLE,
        auto_renew=True,
        subscription__status__in=CALLABLE_STATUSES,
        expires_at__lte=clock.now() + RENEWAL_LEAD + OFFSET,
    )
    keys = only_of(due, organization_id)
    return sum(_renew_if_due(key_id, actor=actor) for key_id in keys.values_list("pk", flat=True))


@transaction.atomic
def _end_term(key_id: UUID, *, actor: Actor) -> bool:
    key = _locked(key_id)
    now = clock.business_now(key.organization)
    is_due = key.expires_at is not None and key.expires_at <= now
    if key.status not in EXPIRABLE or not is_due:
        return False
    if may_renew(key):
        _renew(key, now, actor=actor)
        return False
    end_by_expiring(key, actor=actor)
    return True


@transaction.atomic
def _renew_if_due(key_id: UUID, *, actor: Actor) -> bool:
    key = _locked(key_id)
    now = clock.business_now(key.organization)
    is_due = key.expires_at is not None and key.expires_at <= now + RENEWAL_LEAD
    if key.status not in EXPIRABLE or not is_due or not may_renew(key):
        return False
    _renew(key, now, actor=actor)
    return True


def may_renew(key: ApiKey) -> bool:
    """Whether a key gets another term when this one ends."""
    return key.auto_renew and key.subscription.status in CALLABLE_STATUSES


def _locked(key_id: UUID) -> ApiKey:
    rows = ApiKey.objects.select_related("organization", "subscription")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=key_id)


def _renew(key: ApiKey, now: datetime, *, actor: Actor) -> None:
    """Add the original term, as often as it takes to reach beyond the next hour."""
    before = key.expires_at
    assert before is not None and key.term is not None  # noqa: S101, PT018 -- for the type checker
    terms = (now + RENEWAL_LEAD - before) // key.term + 1
    key.expires_at = before + terms * key.term
    key.save(update_fields=["expires_at", "updated_at"])
    record_audit(
        action="keys:key:renewed",
        target=key,
        actor=actor,
        before={"expires_at": before},
        after={"expires_at": key.expires_at},
    )
    publish(KeyChanged(**facts_of(key), status=key.status))
    publish(KeyRenewed(**facts_of(key), expires_at=key.expires_at))

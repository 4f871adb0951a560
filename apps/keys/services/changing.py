"""How a key moves between its states. Revoking is final."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import InvalidTransition
from apps.keys.enums import KeyStatus
from apps.keys.events import (
    KeyActivated,
    KeyChanged,
    KeyExpired,
    KeyRevoked,
    KeySyncFailed,
    KeySyncRetried,
)
from apps.keys.models import ApiKey
from apps.keys.transitions import KEY

PROVABLE = (KeyStatus.PENDING, KeyStatus.FAILED_SYNC)
REVOCABLE = tuple(status for status in KeyStatus if KEY.allows(status, KeyStatus.REVOKED))
EXPIRABLE = (KeyStatus.ACTIVE, KeyStatus.SUSPENDED)


@transaction.atomic
def rename_key(*, key: ApiKey, name: str, actor: Actor) -> ApiKey:
    """Change what a key is called; the gateway does not care."""
    key = ApiKey.objects.lock(key.pk)
    before = key.name
    key.name = name
    key.save(update_fields=["name", "updated_at"])
    record_audit(
        action="keys:key:renamed",
        target=key,
        actor=actor,
        before={"name": before},
        after={"name": name},
    )
    return key


@transaction.atomic
def activate_key(*, key_id: UUID, actor: Actor) -> ApiKey:
    """Note that every authorizer knows a key. Publishes KeyActivated.

    Idempotent: a key that is not waiting for this proof is left as it is, because it may have been revoked
    or suspended while the proof was on its way.
    """
    key = ApiKey.objects.lock(key_id)
    if key.status in PROVABLE:
        key.activated_at = clock.now()
        _move(key, KeyStatus.ACTIVE, actor=actor, verb="activated", extra=("activated_at",))
        publish(KeyActivated(**facts_of(key)))
    return key


@transaction.atomic
def mark_key_sync_failed(*, key_id: UUID, reason: str, actor: Actor) -> ApiKey:
    """Note that the gateway did not prove a new key in time; it is tried on. Publishes KeySyncFailed.

    Idempotent: only a pending key can fail.
    """
    key = ApiKey.objects.lock(key_id)
    if key.status == KeyStatus.PENDING:
        _move(key, KeyStatus.FAILED_SYNC, actor=actor, verb="sync_failed", reason=reason)
        publish(KeySyncFailed(**facts_of(key)))
    return key


@transaction.atomic
def retry_key_sync(*, key: ApiKey, actor: Actor) -> ApiKey:
    """Have a key that the gateway did not prove in time brought there again at once. Publishes KeySyncRetried.

    It becomes active with the proof; until then it stays as it is.

    Raises:
        InvalidTransition: it did not fail.
    """
    key = ApiKey.objects.lock(key.pk)
    if key.status != KeyStatus.FAILED_SYNC:
        raise InvalidTransition(current=key.status, wanted=KeyStatus.ACTIVE)
    record_audit(action="keys:key:sync_retried", target=key, actor=actor)
    publish(KeySyncRetried(**facts_of(key)))
    return key


@transaction.atomic
def suspend_key(*, key: ApiKey, actor: Actor, reason: str = "") -> ApiKey:
    """Stop a key until it is resumed. Publishes KeyChanged.

    Raises:
        InvalidTransition: it is not active.
    """
    key = ApiKey.objects.lock(key.pk)
    _move(key, KeyStatus.SUSPENDED, actor=actor, verb="suspended", reason=reason)
    return _announce(key)


@transaction.atomic
def resume_key(*, key: ApiKey, actor: Actor) -> ApiKey:
    """Let a suspended key work again. Publishes KeyChanged.

    Raises:
        InvalidTransition: it is not suspended.
    """
    key = ApiKey.objects.lock(key.pk)
    if key.status != KeyStatus.SUSPENDED:
        raise InvalidTransition(current=key.status, wanted=KeyStatus.ACTIVE)
    _move(key, KeyStatus.ACTIVE, actor=actor, verb="resumed")
    return _announce(key)


@transaction.atomic
def revoke_key(*, key: ApiKey, actor: Actor, reason: str = "") -> ApiKey:
    """End a key for good. `apps.keys.proof` tells when no authorizer serves it any more.

    Revoking a revoked key changes nothing, so that a repeated request is safe. Publishes KeyRevoked.

    Raises:
        InvalidTransition: it has expired.
    """
    key = ApiKey.objects.lock(key.pk)
    if key.status != KeyStatus.REVOKED:
        end_by_revoking(key, actor=actor, reason=reason)
    return key


@transaction.atomic
def revoke_keys_of_subscription(*, subscription_id: UUID, actor: Actor, reason: str) -> int:
    """Revoke every key of a subscription that has ended; return how many."""
    rows = ApiKey.objects.filter(subscription_id=subscription_id, status__in=REVOCABLE)
    keys = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
    for key in keys:
        end_by_revoking(key, actor=actor, reason=reason)
    return len(keys)


def end_by_revoking(key: ApiKey, *, actor: Actor, reason: str) -> None:
    """Revoke a locked key. Publishes KeyRevoked."""
    key.revoked_at = clock.now()
    _move(key, KeyStatus.REVOKED, actor=actor, verb="revoked", reason=reason, extra=("revoked_at",))
    publish(KeyRevoked(**facts_of(key), reason=reason))


def end_by_expiring(key: ApiKey, *, actor: Actor) -> None:
    """Write down that a locked key's term is over. Publishes KeyExpired."""
    _move(key, KeyStatus.EXPIRED, actor=actor, verb="expired")
    publish(KeyExpired(**facts_of(key)))


def facts_of(key: ApiKey) -> dict[str, Any]:
    """Return what every event of a key tells."""
    return {
        "key_id": key.pk,
        "subscription_id": key.subscription_id,
        "organization_id": key.organization_id,
    }


def _announce(key: ApiKey) -> ApiKey:
    publish(KeyChanged(**facts_of(key), status=key.status))
    return key


def _move(
    key: ApiKey,
    wanted: KeyStatus,
    *,
    actor: Actor,
    verb: str,
    reason: str = "",
    extra: tuple[str, ...] = (),
) -> None:
    before = KeyStatus(key.status)
    KEY.require(before, wanted)
    key.status, key.status_reason = wanted, reason[:200]
    key.save(update_fields=["status", "status_reason", "updated_at", *extra])
    record_audit(
        action=f"keys:key:{verb}",
        target=key,
        actor=actor,
        before={"status": before},
        after={"status": wanted},
        reason=reason,
    )

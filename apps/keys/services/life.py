"""What an owner may change of a key's life: how often it is replaced by itself, and whether it is renewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidTransition
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from apps.keys.rotation_terms import (
    next_rotation,
    require_possible_renewal,
    require_possible_rotation,
)
from apps.pricing.models import Plan

FIELDS: Final = ("rotation_days", "auto_renew", "rotates_at")
LIVING: Final = (
    KeyStatus.PENDING,
    KeyStatus.FAILED_SYNC,
    KeyStatus.ACTIVE,
    KeyStatus.SUSPENDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLife:
    """Days between automatic rotations (None as the plan says, 0 never), and whether the key is renewed."""

    rotation_days: int | None
    auto_renew: bool


@transaction.atomic
def change_key_life(*, key: ApiKey, life: KeyLife, actor: Actor) -> ApiKey:
    """Choose how often a key is replaced by itself, and whether it gets another term when it ends.

    A new interval counts from now. On a plan that demands rotation it cannot put off the one that is due.

    Raises:
        InvalidKeyTerms: the plan does not allow the interval, or a key without an end is to be renewed.
        InvalidTransition: the key has ended or is being replaced.
    """
    key = ApiKey.objects.lock(key.pk)
    if key.status not in LIVING:
        raise InvalidTransition(current=key.status, wanted=KeyStatus.ACTIVE)
    plan = Plan.objects.get(subscriptions=key.subscription_id)
    require_possible_rotation(plan, life.rotation_days)
    require_possible_renewal(is_wanted=life.auto_renew, expires_at=key.expires_at)
    before = {name: getattr(key, name) for name in FIELDS}
    if life.rotation_days != key.rotation_days:
        _count_anew(key, plan, life.rotation_days)
    key.auto_renew = life.auto_renew
    after = {name: getattr(key, name) for name in FIELDS}
    if after == before:
        return key
    key.save(update_fields=[*FIELDS, "updated_at"])
    record_audit(
        action="keys:key:life_changed", target=key, actor=actor, before=before, after=after
    )
    return key


def _count_anew(key: ApiKey, plan: Plan, rotation_days: int | None) -> None:
    now = clock.business_now(key.organization)
    wanted = next_rotation(plan, rotation_days, since=now)
    if not plan.key_rotation_optional and key.rotates_at is not None and wanted is not None:
        wanted = min(wanted, key.rotates_at)
    key.rotation_days, key.rotates_at = rotation_days, wanted

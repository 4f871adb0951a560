"""How a key is replaced without a moment in which no key works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.querysets import only_of
from apps.keys.constants import MAX_ROTATION_GRACE
from apps.keys.enums import KeyStatus, NoticeKind
from apps.keys.events import KeyChanged, KeyRotated
from apps.keys.exceptions import InvalidKeyTerms, SubscriptionNotCallable
from apps.keys.models import ApiKey, KeyNotice, KeyRotation
from apps.keys.services.changing import end_by_revoking, facts_of
from apps.keys.services.issuing import IssuedKey, KeyTerms, issue
from apps.keys.terms import terms_of
from apps.keys.transitions import KEY
from apps.subscriptions.enums import CALLABLE_STATUSES
from apps.subscriptions.models import Subscription


@transaction.atomic
def rotate_key(*, key: ApiKey, grace: timedelta, actor: Actor) -> IssuedKey:
    """Give a key a successor with the same name, scopes, limits and expiry.

    Both are valid until the grace ends, which is never later than the old key's own expiry; then the old
    one is revoked. Without grace it is revoked at once. Publishes KeyIssued, KeyChanged and KeyRotated.

    Raises:
        InvalidTransition: the key is not active.
        SubscriptionNotCallable: the subscription lets no calls pass.
        InvalidKeyTerms: the grace is negative or longer than 30 days.
    """
    if not timedelta(0) <= grace <= MAX_ROTATION_GRACE:
        raise InvalidKeyTerms(_("Choose a grace of 0 to 30 days."), field="grace_hours")
    Subscription.objects.lock(key.subscription_id)
    key = ApiKey.objects.lock(key.pk)
    subscription = Subscription.objects.select_related("consumer_organization", "plan").get(
        pk=key.subscription_id
    )
    if subscription.status not in CALLABLE_STATUSES:
        raise SubscriptionNotCallable(subscription_status=subscription.status)
    return replace(subscription=subscription, key=key, grace=grace, actor=actor).successor


@dataclass(frozen=True, slots=True)
class Replaced:
    """A rotation and the successor that it made."""

    rotation: KeyRotation
    successor: IssuedKey


def replace(
    *,
    subscription: Subscription,
    key: ApiKey,
    grace: timedelta,
    actor: Actor,
    is_automatic: bool = False,
) -> Replaced:
    """Give a locked key of a locked subscription that lets calls pass its successor.

    The successor takes the old key's place, so the plan's limit of keys does not count it.

    Raises:
        InvalidTransition: the key is not active.
    """
    KEY.require(KeyStatus(key.status), KeyStatus.ROTATING)
    successor = issue(subscription=subscription, terms=_terms_of(key), actor=actor, term=key.term)
    now = clock.business_now(subscription.consumer_organization)
    ends = [now + grace, *([key.expires_at] if key.expires_at else [])]
    rotation = KeyRotation.objects.create(
        old_key=key, new_key=successor.key, grace_ends_at=min(ends), is_automatic=is_automatic
    )
    _keep_told(key, successor.key)
    key.status = KeyStatus.ROTATING
    key.save(update_fields=["status", "updated_at"])
    record_audit(
        action="keys:key:rotated",
        target=key,
        actor=actor,
        before={"status": KeyStatus.ACTIVE},
        after={
            "status": KeyStatus.ROTATING,
            "successor": successor.key.masked,
            "valid_until": rotation.grace_ends_at,
        },
    )
    publish(KeyChanged(**facts_of(key), status=key.status))
    publish(
        KeyRotated(**facts_of(key), successor_id=successor.key.pk, is_automatic=is_automatic),
    )
    if rotation.grace_ends_at <= now:
        _complete(rotation, key, actor=actor)
    return Replaced(rotation, successor)


def complete_due_rotations(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Revoke the old keys whose grace is over, by their account's clock; return how many.

    The authorizer refuses such a key on its own at that very moment; this writes it down.
    """
    due = KeyRotation.objects.filter(
        completed_at__isnull=True,
        grace_ends_at__lte=clock.now() + F("old_key__organization__clock_offset"),
    )
    count = 0
    for rotation in only_of(due, organization_id, field="old_key__organization_id"):
        with transaction.atomic():
            key = ApiKey.objects.lock(rotation.old_key_id)
            rotation.refresh_from_db()
            if rotation.completed_at is None:
                _complete(rotation, key, actor=actor)
                count += 1
    return count


def _complete(rotation: KeyRotation, key: ApiKey, *, actor: Actor) -> None:
    if key.status == KeyStatus.ROTATING:
        end_by_revoking(key, actor=actor, reason="replaced by its successor")
    rotation.completed_at = clock.now()
    rotation.save(update_fields=["completed_at", "updated_at"])


def _terms_of(key: ApiKey) -> KeyTerms:
    return KeyTerms(
        name=key.name,
        rotation_days=key.rotation_days,
        auto_renew=key.auto_renew,
        **terms_of(key),
    )


def _keep_told(old: ApiKey, new: ApiKey) -> None:
    """The successor ends when the old key would have: what was told of that is not told again."""
    if old.expires_at is None:
        return
    told = old.notices.filter(kind=NoticeKind.EXPIRY, due_at=old.expires_at)
    KeyNotice.objects.bulk_create(
        KeyNotice(key=new, kind=row.kind, due_at=row.due_at, days_before=row.days_before)
        for row in told
    )

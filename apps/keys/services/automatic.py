"""Rotation without anybody asking: a job replaces keys that are due, and keeps the new key until its owner has read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.querysets import only_of
from apps.keys.constants import AUTOMATIC_ROTATION_GRACE
from apps.keys.enums import ENDED_STATUSES, KeyStatus
from apps.keys.exceptions import KeySecretGone
from apps.keys.models import ApiKey, UnreadKey
from apps.keys.rotation_terms import effective_days
from apps.keys.services.rotating import replace
from apps.subscriptions.enums import CALLABLE_STATUSES
from apps.subscriptions.models import Subscription

BATCH: Final = 2_000


def rotate_due_keys(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Replace the active keys whose time has come, by their account's clock; return how many.

    None whose subscription lets no calls pass: it is due as soon as calls pass again. Two workers at once do each key
    once, because one passes over the subscription that the other holds. Publishes as `rotate_key` does.
    """
    due = ApiKey.objects.filter(
        status=KeyStatus.ACTIVE,
        rotates_at__lte=clock.now() + F("organization__clock_offset"),
        subscription__status__in=CALLABLE_STATUSES,
    )
    due = only_of(due, organization_id)
    pairs = due.order_by("rotates_at").values_list("pk", "subscription_id")[:BATCH]
    return sum(_rotate_if_due(*pair, actor=actor) for pair in pairs)


@transaction.atomic
def reveal_key(*, key: ApiKey, actor: Actor) -> str:
    """Return the text of a key that a job made, this once; then it is kept nowhere.

    Raises:
        KeySecretGone: it was read or its time was over, or it was shown when somebody made the key.
    """
    key = ApiKey.objects.lock(key.pk)
    unread = UnreadKey.objects.filter(key=key).first()
    if unread is None:
        raise KeySecretGone(_("It was shown once, in the answer that made the key."))
    if unread.read_at is not None:
        raise KeySecretGone(_("It was read before. Rotate the key to get a new one."))
    is_over = unread.readable_until <= clock.business_now(key.organization)
    if is_over or key.status in ENDED_STATUSES or not unread.secret:
        raise KeySecretGone(_("Its time was over. Rotate the key to get a new one."))
    secret = str(unread.secret)
    unread.secret, unread.read_at = "", clock.now()
    unread.save(update_fields=["secret", "read_at", "updated_at"])
    record_audit(action="keys:key:revealed", target=key, actor=actor)
    return secret


def wipe_unread_keys(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Forget the texts that nobody read in time, and those of keys that have ended; return how many."""
    is_over = Q(readable_until__lte=clock.now() + F("key__organization__clock_offset"))
    due = UnreadKey.objects.exclude(secret="").filter(is_over | Q(key__status__in=ENDED_STATUSES))
    due = only_of(due, organization_id, field="key__organization_id")
    return sum(_wipe(pk, actor=actor) for pk in due.values_list("pk", flat=True))


@transaction.atomic
def _rotate_if_due(key_id: UUID, subscription_id: UUID, *, actor: Actor) -> bool:
    rows = Subscription.objects.select_related("consumer_organization", "plan")
    free = rows.select_for_update(of=("self",), no_key=True, skip_locked=True)
    subscription = free.filter(pk=subscription_id, status__in=CALLABLE_STATUSES).first()
    if subscription is None:
        return False  # another worker is at it, or it has just stopped
    key = ApiKey.objects.lock(key_id)
    now = clock.business_now(subscription.consumer_organization)
    if key.status != KeyStatus.ACTIVE or key.rotates_at is None or key.rotates_at > now:
        return False
    days = effective_days(subscription.plan, key.rotation_days)
    # A key that is replaced daily does not leave a week of old ones behind.
    grace = min(AUTOMATIC_ROTATION_GRACE, timedelta(days=days or 1))
    done = replace(subscription=subscription, key=key, grace=grace, actor=actor, is_automatic=True)
    UnreadKey.objects.create(
        key=done.successor.key,
        secret=done.successor.secret,
        readable_until=done.rotation.grace_ends_at,
    )
    return True


@transaction.atomic
def _wipe(unread_id: UUID, *, actor: Actor) -> bool:
    key_id = UnreadKey.objects.values_list("key_id", flat=True).get(pk=unread_id)
    key = ApiKey.objects.lock(key_id)
    unread = UnreadKey.objects.get(pk=unread_id)
    if not unread.secret:
        return False
    unread.secret = ""
    unread.save(update_fields=["secret", "updated_at"])
    record_audit(action="keys:key:wiped", target=key, actor=actor)
    return True

"""Reads of keys. Nothing here can return a key itself: it is not stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Case, Count, F, QuerySet, When

from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import AuditEvent
from apps.keys.enums import COUNTED_STATUSES, ENDED_STATUSES, LeakPolicy
from apps.keys.hashing import possible_digests
from apps.keys.models import ApiKey, KeyAlert, KeyLeak, KeyPolicy, KeyRotation
from apps.subscriptions.models import Subscription


def list_keys(actor: Actor, *, subscription: Subscription | None = None) -> QuerySet[ApiKey]:
    """Return the keys of the actor's organization, newest first, with what lists show."""
    # Until when its text can still be read, without fetching the text.
    is_unread = When(
        unread__read_at__isnull=True,
        unread__secret__gt="",
        then=F("unread__readable_until"),
    )
    related = ("subscription__api", "subscription__plan", "rotation_out", "workspace")
    rows: QuerySet[ApiKey] = (
        ApiKey.objects.visible_to(actor)
        .select_related(*related)
        .annotate(readable_until=Case(is_unread))
    )
    return rows if subscription is None else rows.filter(subscription=subscription)


def get_key(actor: Actor, public_id: str) -> ApiKey:
    """Return one key of the actor's organization.

    Raises:
        NotFound: unknown, or another organization's.
    """
    try:
        pk = parse_public_id(ApiKey.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    row = list_keys(actor).filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def count_counted_keys(subscription: Subscription) -> int:
    """Return how many keys count towards the plan's limit."""
    return ApiKey.objects.filter(subscription=subscription, status__in=COUNTED_STATUSES).count()


def find_key_by_secret(secret: str) -> ApiKey | None:
    """Return the key that a text is, whatever its state; None for anything we did not issue."""
    digests = possible_digests(secret)
    return ApiKey.objects.filter(digest__in=digests).first() if digests else None


def find_keys_by_secrets(secrets: Iterable[str]) -> dict[str, ApiKey]:
    """Return the keys that texts are, whatever their state, in one query; texts that we did not issue are left out."""
    texts = {digest: text for text in secrets for digest in possible_digests(text)}
    rows = ApiKey.objects.filter(digest__in=texts)
    return {texts[key.digest]: key for key in rows}


def count_made_keys(organization_id: UUID, since: datetime) -> int:
    """Return how many keys an organization has made since then, in real time; successors are not made anew."""
    rows = ApiKey.objects.filter(organization_id=organization_id, created_at__gt=since)
    return rows.filter(rotation_in__isnull=True).count()


def count_rotations_by_hand(organization_id: UUID, since: datetime) -> int:
    """Return how many keys an organization has rotated since then, in real time; those of the job do not count."""
    rows = KeyRotation.objects.filter(
        new_key__organization_id=organization_id, created_at__gt=since, is_automatic=False
    )
    return rows.filter(new_key__created_at__gt=since).count()


def leak_policy_of(organization_id: UUID) -> LeakPolicy:
    """Return what an organization wants done with keys that leak; unless it chose otherwise they are revoked."""
    chosen = KeyPolicy.objects.filter(organization_id=organization_id).first()
    return LeakPolicy(chosen.on_leak) if chosen else LeakPolicy.REVOKE


def list_leaks(actor: Actor) -> QuerySet[KeyLeak]:
    """Return where keys of the actor's organization were found in public, newest first."""
    return KeyLeak.objects.visible_to(actor).select_related("key")


def list_alerts(actor: Actor) -> QuerySet[KeyAlert]:
    """Return what the actor's organization did with keys unusually often, newest first."""
    return KeyAlert.objects.visible_to(actor)


def audit_trail_of(key: ApiKey) -> QuerySet[AuditEvent]:
    """Return what was done with a key, newest first, for its owner."""
    rows = AuditEvent.objects.filter(target_type=ApiKey._meta.label_lower, target_id=key.pk)
    return rows.order_by("-occurred_at", "-id")


def keys_per_pepper() -> dict[int, int]:
    """Return how many keys that have not ended hang on each pepper, by its number."""
    living = ApiKey.objects.exclude(status__in=ENDED_STATUSES).order_by()
    rows = living.values("pepper_number").annotate(count=Count("pk"))
    return {row["pepper_number"]: row["count"] for row in rows}

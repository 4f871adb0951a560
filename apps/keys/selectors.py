"""Reads of keys. Nothing here can return a key itself: it is not stored."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import AuditEvent
from apps.keys.enums import COUNTED_STATUSES
from apps.keys.hashing import possible_digests
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription


def list_keys(actor: Actor, *, subscription: Subscription | None = None) -> QuerySet[ApiKey]:
    """Return the keys of the actor's organization, newest first, with what lists show."""
    rows = ApiKey.objects.visible_to(actor).select_related(
        "subscription__api", "subscription__plan", "rotation_out", "workspace"
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


def audit_trail_of(key: ApiKey) -> QuerySet[AuditEvent]:
    """Return what was done with a key, newest first, for its owner."""
    rows = AuditEvent.objects.filter(target_type=ApiKey._meta.label_lower, target_id=key.pk)
    return rows.order_by("-occurred_at", "-id")

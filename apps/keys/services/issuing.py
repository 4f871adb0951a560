"""How a key comes into being: shown once, stored as a digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.keys.constants import MAX_ALLOWED_ADDRESSES, MAX_LIFETIME
from apps.keys.credential import generate_key, shown_end, shown_prefix
from apps.keys.enums import KeyEnvironment, Scope
from apps.keys.events import KeyIssued
from apps.keys.exceptions import InvalidKeyTerms, KeyLimitReached, SubscriptionNotCallable
from apps.keys.hashing import current_digest
from apps.keys.models import ApiKey
from apps.keys.rotation_terms import (
    next_rotation,
    require_possible_renewal,
    require_possible_rotation,
)
from apps.keys.selectors import count_counted_keys
from apps.subscriptions.enums import CALLABLE_STATUSES
from apps.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    """What a key may do and for how long. Times are the account's business time."""

    name: str
    scopes: tuple[str, ...] = (Scope.READ, Scope.WRITE)
    ip_allow: tuple[str, ...] = ()
    rate_per_minute: int | None = None
    expires_at: datetime | None = None
    # Days between automatic rotations: None as the plan says, 0 never.
    rotation_days: int | None = None
    auto_renew: bool = False


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its secret, which exists nowhere else and is shown this once."""

    key: ApiKey
    secret: str


@transaction.atomic
def create_key(*, subscription: Subscription, terms: KeyTerms, actor: Actor) -> IssuedKey:
    """Issue a key for a subscription; it is pending until every authorizer knows it.

    Keys of sandbox accounts are test keys, all others are live keys. Publishes KeyIssued.

    Raises:
        SubscriptionNotCallable: the subscription lets no calls pass.
        KeyLimitReached: the plan allows no more keys; two requests at once cannot pass the limit together.
        InvalidKeyTerms: an address range, the expiry or the rate is not possible.
    """
    Subscription.objects.lock(subscription.pk)
    subscription = Subscription.objects.select_related("consumer_organization", "plan").get(
        pk=subscription.pk
    )
    if subscription.status not in CALLABLE_STATUSES:
        raise SubscriptionNotCallable(subscription_status=subscription.status)
    limit = subscription.plan.key_limit
    if count_counted_keys(subscription) >= limit:
        raise KeyLimitReached(limit=limit)
    _require_possible(terms, now=clock.business_now(subscription.consumer_organization))
    require_possible_rotation(subscription.plan, terms.rotation_days)
    require_possible_renewal(is_wanted=terms.auto_renew, expires_at=terms.expires_at)
    return issue(subscription=subscription, terms=terms, actor=actor)


def issue(
    *, subscription: Subscription, terms: KeyTerms, actor: Actor, term: timedelta | None = None
) -> IssuedKey:
    """Write a new key for a locked subscription whose limits were checked. Publishes KeyIssued.

    `term` is what a renewal adds: the time until its expiry, unless it takes over that of an older key.
    """
    now = clock.business_now(subscription.consumer_organization)
    if term is None and terms.expires_at is not None:
        term = terms.expires_at - now
    is_sandbox = subscription.consumer_organization.is_sandbox
    environment = KeyEnvironment.TEST if is_sandbox else KeyEnvironment.LIVE
    secret = generate_key("test" if is_sandbox else "live")
    digest, pepper_number = current_digest(secret)
    key = ApiKey.objects.create(
        organization_id=subscription.consumer_organization_id,
        workspace_id=subscription.workspace_id,
        subscription=subscription,
        name=terms.name,
        environment=environment,
        prefix=shown_prefix(secret),
        last_four=shown_end(secret),
        digest=digest,
        pepper_number=pepper_number,
        scopes=list(terms.scopes),
        ip_allow=list(terms.ip_allow),
        rate_per_minute=terms.rate_per_minute,
        expires_at=terms.expires_at,
        term=term,
        auto_renew=terms.auto_renew,
        rotation_days=terms.rotation_days,
        rotates_at=next_rotation(subscription.plan, terms.rotation_days, since=now),
        created_by_id=actor.user_id,
    )
    record_audit(
        action="keys:key:created",
        target=key,
        actor=actor,
        after={
            "name": key.name,
            "key": key.masked,
            "scopes": key.scopes,
            "expires_at": key.expires_at,
        },
    )
    publish(
        KeyIssued(
            key_id=key.pk, subscription_id=subscription.pk, organization_id=key.organization_id
        )
    )
    return IssuedKey(key, secret)


def _require_possible(terms: KeyTerms, *, now: datetime) -> None:
    if not terms.scopes or not set(terms.scopes) <= set(Scope):
        raise InvalidKeyTerms(_("Choose at least one scope."), field="scopes")
    if terms.expires_at is not None and not now < terms.expires_at <= now + MAX_LIFETIME:
        raise InvalidKeyTerms(_("Choose an expiry in the future."), field="expires_at")
    if terms.rate_per_minute is not None and terms.rate_per_minute < 1:
        raise InvalidKeyTerms(_("Leave it empty or choose at least 1."), field="rate_per_minute")
    if len(terms.ip_allow) > MAX_ALLOWED_ADDRESSES:
        raise InvalidKeyTerms(_("These are too many address ranges."), field="ip_allow")
    for cidr in terms.ip_allow:
        try:
            ip_network(cidr)
        except ValueError:
            detail = _("“%(text)s” is no address and no range.") % {"text": cidr}
            raise InvalidKeyTerms(detail, field="ip_allow") from None

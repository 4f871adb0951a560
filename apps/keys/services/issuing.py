"""How a key comes into being: shown once, stored as a digest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.keys.credential import generate_key, shown_end, shown_prefix
from apps.keys.enums import KeyEnvironment, Scope
from apps.keys.events import KeyIssued
from apps.keys.exceptions import KeyLimitReached, SubscriptionNotCallable
from apps.keys.hashing import current_digest
from apps.keys.models import ApiKey
from apps.keys.rotation_terms import (
    next_rotation,
    require_possible_renewal,
    require_possible_rotation,
)
from apps.keys.selectors import count_counted_keys
from apps.keys.terms import TERMS, WINDOWS, latest_expiry, require_possible, terms_of
from apps.subscriptions.enums import CALLABLE_STATUSES
from apps.subscriptions.models import Subscription

RELATIONS: Final = ("consumer_organization", "plan", "price_version", "api")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    """What a key may do and for how long. Times are the account's business time."""

    name: str
    scopes: tuple[str, ...] = (Scope.READ, Scope.WRITE)
    endpoints: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ip_allow: tuple[str, ...] = ()
    rate_per_second: int | None = None
    rate_per_minute: int | None = None
    rate_per_hour: int | None = None
    rate_per_day: int | None = None
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

    Keys of sandbox accounts are test keys, all others are live keys. Without an expiry it lives as long as the plan
    lets keys live. Publishes KeyIssued.

    Raises:
        SubscriptionNotCallable: the subscription lets no calls pass.
        KeyLimitReached: the plan allows no more keys; two requests at once cannot pass the limit together.
        InvalidKeyTerms: an address range, the expiry or the rate is not possible.
    """
    Subscription.objects.lock(subscription.pk)
    subscription = Subscription.objects.select_related(*RELATIONS).get(pk=subscription.pk)
    if subscription.status not in CALLABLE_STATUSES:
        raise SubscriptionNotCallable(subscription_status=subscription.status)
    limit = subscription.plan.key_limit
    if count_counted_keys(subscription) >= limit:
        raise KeyLimitReached(limit=limit)
    wanted: Any = {name: getattr(terms, name) for name in TERMS}
    require_possible(wanted, subscription=subscription)
    if terms.expires_at is None:
        terms = replace(terms, expires_at=latest_expiry(subscription))
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
        endpoints=list(terms.endpoints),
        tags=list(terms.tags),
        ip_allow=list(terms.ip_allow),
        **{name: getattr(terms, name) for name in WINDOWS},
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
            **terms_of(key),
        },
    )
    publish(
        KeyIssued(
            key_id=key.pk, subscription_id=subscription.pk, organization_id=key.organization_id
        )
    )
    return IssuedKey(key, secret)

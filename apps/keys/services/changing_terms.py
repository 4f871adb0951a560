"""How what a key may do is changed after it was made."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.keys.enums import ENDED_STATUSES
from apps.keys.events import KeyChanged
from apps.keys.exceptions import KeyEnded
from apps.keys.models import ApiKey
from apps.keys.services.changing import facts_of
from apps.keys.services.issuing import RELATIONS
from apps.keys.terms import LISTS, TermChanges, require_possible, terms_of
from apps.subscriptions.models import Subscription


@transaction.atomic
def change_key_terms(*, key: ApiKey, changes: TermChanges, actor: Actor) -> ApiKey:
    """Change scopes, endpoints, groups, addresses, limits or expiry of a key; what is left out stays.

    The gateway follows within a second. Only what changes is checked, so a key that was made under other terms of its
    plan can still be changed. Nothing new changes nothing. Publishes KeyChanged.

    Raises:
        KeyEnded: it is revoked or expired.
        InvalidKeyTerms: `field` names what cannot be as it was asked for.
    """
    key = ApiKey.objects.lock(key.pk)
    if key.status in ENDED_STATUSES:
        raise KeyEnded(key_status=key.status)
    before = terms_of(key)
    after: dict[str, Any] = {
        name: _in_order(value) if name in LISTS else value for name, value in changes.items()
    }
    news: Any = {name: value for name, value in after.items() if value != before[name]}
    if not news:
        return key
    subscription = Subscription.objects.select_related(*RELATIONS).get(pk=key.subscription_id)
    require_possible(news, subscription=subscription, key=key)
    for name, value in news.items():
        setattr(key, name, list(value) if name in LISTS else value)
    if "expires_at" in news:
        _begin_term(key, subscription)
    key.save(update_fields=[*news, "term", "auto_renew", "updated_at"])
    record_audit(
        action="keys:key:terms_changed",
        target=key,
        actor=actor,
        before={name: before[name] for name in news},
        after=news,
    )
    publish(KeyChanged(**facts_of(key), status=key.status))
    return key


def _begin_term(key: ApiKey, subscription: Subscription) -> None:
    """Let a renewal add what the new expiry gives from now on; a key without an end has nothing to renew."""
    if key.expires_at is None:
        key.term, key.auto_renew = None, False
    else:
        key.term = key.expires_at - clock.business_now(subscription.consumer_organization)


def _in_order(values: Any) -> tuple[str, ...]:
    """Return a list without what it names twice."""
    return tuple(dict.fromkeys(values))

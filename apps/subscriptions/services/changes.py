"""What every change of a subscription leaves behind: a row, an audit event, and domain events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import InvalidTransition
from apps.core.models import Entity
from apps.core.money import Money
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.events import PlanChanged, SubscriptionChanged, SubscriptionEvent
from apps.subscriptions.models import Subscription, SubscriptionChange
from apps.subscriptions.transitions import SUBSCRIPTION

WATCHED_FIELDS: Final = (
    "status",
    "plan",
    "price_version",
    "timezone",
    "quantity",
    "trial_ends_at",
    "term_ends_at",
    "cancel_at_period_end",
    "ends_at",
    "ended_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a subscription changes: the kind of change, who did it, their reason, and when it counts from (now)."""

    kind: str
    actor: Actor
    reason: str = ""
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMoney:
    """What a change cost: the quote's lines as JSON, and the net amount before tax."""

    quote: dict[str, Any]
    net: Money


def lock_subscription(subscription_id: UUID) -> Subscription:
    """Return the row locked until the transaction ends, with what its moves need."""
    row = Subscription.objects.lock(subscription_id)
    related = ("consumer_organization", "price_version", "plan")
    return Subscription.objects.select_related(*related).get(pk=row.pk)


def move(subscription: Subscription, wanted: SubscriptionStatus, *, reason: str = "") -> None:
    """Set the status of a locked subscription; the caller saves by `save_change`.

    Raises:
        InvalidTransition: the state machine does not know the move.
    """
    SUBSCRIPTION.require(SubscriptionStatus(subscription.status), wanted)
    subscription.status, subscription.status_reason = wanted, reason


def require_status(
    subscription: Subscription, expected: SubscriptionStatus, *, wanted: SubscriptionStatus
) -> None:
    """Refuse a move that only makes sense from one state, though others lead to the same one.

    Raises:
        InvalidTransition: it has another status.
    """
    if subscription.status != expected:
        raise InvalidTransition(current=subscription.status, wanted=wanted)


def snapshot(subscription: Subscription) -> dict[str, Any]:
    """Return the fields whose changes are kept, as JSON values."""
    return {name: _plain(getattr(subscription, name)) for name in WATCHED_FIELDS}


def save_change(
    subscription: Subscription,
    *,
    before: dict[str, Any],
    cause: Cause,
    event: type[SubscriptionEvent],
    money: ChangeMoney | None = None,
    extra: dict[str, Any] | None = None,
    **facts: Any,
) -> SubscriptionChange:
    """Save a subscription with the trail of its change, and tell whoever listens. Returns the row of the change.

    `extra` is kept with what is true afterwards. Publishes SubscriptionChanged and the given event, whose own fields are
    `facts`.
    """
    subscription.save()
    after = snapshot(subscription)
    changed = {name for name in after if after[name] != before.get(name)}
    told = {**{name: after[name] for name in changed}, **(extra or {})}
    effective_at = cause.effective_at or clock.business_now(subscription.consumer_organization)
    change = SubscriptionChange.objects.create(
        subscription=subscription,
        kind=cause.kind,
        before={name: before[name] for name in changed if name in before},
        after=told,
        effective_at=effective_at,
        actor_user_id=cause.actor.user_id,
        actor_label=cause.actor.label,
        reason=cause.reason,
        quote=money.quote if money else None,
        net_minor=money.net.amount_minor if money else None,
        currency=money.net.currency if money else "",
    )
    record_audit(
        action=f"subscriptions:subscription:{cause.kind}",
        target=subscription,
        actor=cause.actor,
        organization_id=subscription.consumer_organization_id,
        before={name: before[name] for name in changed if name in before},
        after=told,
        reason=cause.reason,
    )
    common = facts_of(subscription, effective_at)
    key = str(subscription.pk)
    publish(SubscriptionChanged(kind=cause.kind, status=subscription.status, **common), key=key)
    if issubclass(event, PlanChanged):
        facts["change_id"] = change.pk
    publish(event(**common, **facts), key=key)
    return change


def facts_of(subscription: Subscription, effective_at: datetime) -> dict[str, Any]:
    """Return what every event of a subscription tells."""
    return {
        "subscription_id": subscription.pk,
        "api_id": subscription.api_id,
        "plan_id": subscription.plan_id,
        "price_version_id": subscription.price_version_id,
        "consumer_organization_id": subscription.consumer_organization_id,
        "provider_organization_id": subscription.provider_organization_id,
        "effective_at": effective_at,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Entity):
        return value.public_id
    return value.isoformat() if isinstance(value, datetime) else value

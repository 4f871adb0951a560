"""How a subscription moves between its states while it lives."""

from __future__ import annotations

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.events import (
    SubscriptionEvent,
    SubscriptionExpired,
    SubscriptionFellBehind,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionSuspended,
)
from apps.subscriptions.models import Subscription
from apps.subscriptions.services.changes import (
    Cause,
    lock_subscription,
    move,
    require_status,
    save_change,
    snapshot,
)


def suspend_subscription(*, subscription: Subscription, actor: Actor, reason: str) -> Subscription:
    """Stop a subscription until it is resumed; its keys stay but no call passes. Publishes SubscriptionSuspended.

    Raises:
        InvalidTransition: it is neither active nor past due.
    """
    cause = Cause(kind="suspended", actor=actor, reason=reason)
    return _change(subscription, SubscriptionStatus.SUSPENDED, cause, SubscriptionSuspended)


@transaction.atomic
def resume_subscription(*, subscription: Subscription, actor: Actor) -> Subscription:
    """Let a suspended subscription work again (the provider's or the operator's move). Publishes SubscriptionResumed.

    Raises:
        InvalidTransition: it is not suspended.
    """
    return _back_to_active(subscription, SubscriptionStatus.SUSPENDED, actor, "resumed")


def pause_subscription(
    *, subscription: Subscription, actor: Actor, reason: str = ""
) -> Subscription:
    """Pause a subscription at its consumer's wish; no call passes. Publishes SubscriptionPaused.

    Raises:
        InvalidTransition: it is not active.
    """
    cause = Cause(kind="paused", actor=actor, reason=reason)
    return _change(subscription, SubscriptionStatus.PAUSED, cause, SubscriptionPaused)


@transaction.atomic
def unpause_subscription(*, subscription: Subscription, actor: Actor) -> Subscription:
    """End a pause (the consumer's move; a suspension is not theirs to end). Publishes SubscriptionResumed.

    Raises:
        InvalidTransition: it is not paused.
    """
    return _back_to_active(subscription, SubscriptionStatus.PAUSED, actor, "unpaused")


def mark_past_due(*, subscription: Subscription, actor: Actor, reason: str) -> Subscription:
    """Note that an invoice is overdue; calls still pass during the grace. Publishes SubscriptionFellBehind.

    Raises:
        InvalidTransition: it is neither active nor on trial.
    """
    cause = Cause(kind="past_due", actor=actor, reason=reason)
    return _change(subscription, SubscriptionStatus.PAST_DUE, cause, SubscriptionFellBehind)


@transaction.atomic
def mark_paid_up(*, subscription: Subscription, actor: Actor) -> Subscription:
    """Note that nothing is overdue any more. Publishes SubscriptionResumed.

    Raises:
        InvalidTransition: it is not past due.
    """
    return _back_to_active(subscription, SubscriptionStatus.PAST_DUE, actor, "paid_up")


@transaction.atomic
def expire_subscription(*, subscription: Subscription, actor: Actor, reason: str) -> Subscription:
    """End a subscription whose term is over. Publishes SubscriptionExpired.

    Raises:
        InvalidTransition: it is neither active nor on trial.
    """
    subscription = lock_subscription(subscription.pk)
    before = snapshot(subscription)
    move(subscription, SubscriptionStatus.EXPIRED, reason=reason)
    subscription.ended_at = clock.business_now(subscription.consumer_organization)
    cause = Cause(kind="expired", actor=actor, reason=reason)
    save_change(subscription, before=before, cause=cause, event=SubscriptionExpired)
    return subscription


@transaction.atomic
def _change(
    subscription: Subscription,
    wanted: SubscriptionStatus,
    cause: Cause,
    event: type[SubscriptionEvent],
) -> Subscription:
    subscription = lock_subscription(subscription.pk)
    before = snapshot(subscription)
    move(subscription, wanted, reason=cause.reason)
    save_change(subscription, before=before, cause=cause, event=event)
    return subscription


def _back_to_active(
    subscription: Subscription, expected: SubscriptionStatus, actor: Actor, kind: str
) -> Subscription:
    subscription = lock_subscription(subscription.pk)
    require_status(subscription, expected, wanted=SubscriptionStatus.ACTIVE)
    before = snapshot(subscription)
    move(subscription, SubscriptionStatus.ACTIVE)
    cause = Cause(kind=kind, actor=actor)
    save_change(subscription, before=before, cause=cause, event=SubscriptionResumed)
    return subscription

"""How a subscription moves between its states while it lives."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from apps.core import clock
from apps.core.actors import Actor
from apps.core.querysets import only_of
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.events import (
    SubscriptionActivated,
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


def activate_due_trials(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Turn trials that are over, by their account's clock, into paid service; return how many.

    Idempotent: each subscription is locked and looked at again. Publishes SubscriptionActivated.
    """
    now_there = clock.now() + F("consumer_organization__clock_offset")
    due = Subscription.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=F("trial_ends_at")),
        status=SubscriptionStatus.TRIALING,
        trial_ends_at__lte=now_there,
    )
    count = 0
    due = only_of(due, organization_id, field="consumer_organization_id")
    for subscription_id in due.values_list("pk", flat=True):
        with transaction.atomic():
            subscription = lock_subscription(subscription_id)
            if subscription.status != SubscriptionStatus.TRIALING:
                continue
            before = snapshot(subscription)
            move(subscription, SubscriptionStatus.ACTIVE)
            cause = Cause(kind="trial_converted", actor=actor)
            save_change(
                subscription,
                before=before,
                cause=cause,
                event=SubscriptionActivated,
                is_trial=False,
            )
            count += 1
    return count


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

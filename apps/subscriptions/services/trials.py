"""Trials: how they are announced to end, become paid service, or end.

A trial costs nothing. Its terms are those of the plan when it began. At its end it becomes paid service, unless the plan's trials end, or
paid service needs a card and there is none: then the subscription expires.

Source: docs/domain/subscriptions.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from apps.core import clock
from apps.core.actors import Actor
from apps.core.querysets import only_of
from apps.subscriptions.card_sources import has_card
from apps.subscriptions.constants import TRIAL_NOTICE_DAYS
from apps.subscriptions.enums import ChangeKind, NoticeKind, SubscriptionStatus
from apps.subscriptions.events import SubscriptionActivated, SubscriptionExpired, TrialEnding
from apps.subscriptions.exceptions import CardRequired
from apps.subscriptions.models import Subscription
from apps.subscriptions.services.changes import (
    Cause,
    lock_subscription,
    move,
    require_status,
    save_change,
    snapshot,
)
from apps.subscriptions.services.noticing import announce_once

OFFSET: Final = F("consumer_organization__clock_offset")
# Told to the consumer, beside "Expired".
TRIAL_OVER: Final = "the trial is over"
NO_CARD: Final = "the trial is over and there is no card"


@transaction.atomic
def convert_trial(*, subscription: Subscription, actor: Actor) -> Subscription:
    """Let paid service begin before the trial is over, at its consumer's wish; this day is billed. Publishes SubscriptionActivated.

    Raises:
        InvalidTransition: it is not on trial.
        CardRequired: paid service needs a card, and there is none.
    """
    subscription = lock_subscription(subscription.pk)
    require_status(subscription, SubscriptionStatus.TRIALING, wanted=SubscriptionStatus.ACTIVE)
    if subscription.trial_needs_card and not has_card(subscription.consumer_organization_id):
        raise CardRequired
    before = snapshot(subscription)
    subscription.trial_ends_at = clock.business_now(subscription.consumer_organization)
    _become_paid(subscription, before, actor)
    return subscription


def end_due_trials(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """End the trials that are over, by their account's clock; return how many.

    Each becomes paid service or expires. One that was cancelled ends by itself. Idempotent: each subscription is locked and looked
    at again. Publishes SubscriptionActivated or SubscriptionExpired.
    """
    due = Subscription.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=F("trial_ends_at")),
        status=SubscriptionStatus.TRIALING,
        trial_ends_at__lte=clock.now() + OFFSET,
    )
    due = only_of(due, organization_id, field="consumer_organization_id")
    ids = list(due.order_by("trial_ends_at").values_list("pk", flat=True))
    return sum(_end_trial(subscription_id, actor=actor) for subscription_id in ids)


def announce_trial_ends(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Tell consumers whose trial ends within days, 3 days and 1 day before, once each; return how many notices.

    Of both at once, as after a long outage, only the later one is given. A trial that was cancelled is not announced.
    Publishes TrialEnding.
    """
    now = clock.now()
    ending = Subscription.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=F("trial_ends_at")),
        status=SubscriptionStatus.TRIALING,
        cancel_at_period_end=False,
        trial_ends_at__gt=now + OFFSET,
        trial_ends_at__lte=now + timedelta(days=max(TRIAL_NOTICE_DAYS)) + OFFSET,
    ).select_related("consumer_organization")
    rows = only_of(ending, organization_id, field="consumer_organization_id").order_by("pk")
    return sum(_announce(row, actor=actor) for row in rows.iterator(chunk_size=500))


def _announce(subscription: Subscription, *, actor: Actor) -> bool:
    end = subscription.trial_ends_at
    assert end is not None  # noqa: S101 -- chosen by the query
    return announce_once(
        subscription=subscription,
        kind=NoticeKind.TRIAL,
        due_at=end,
        days=TRIAL_NOTICE_DAYS,
        event=TrialEnding,
        actor=actor,
    )


@transaction.atomic
def _end_trial(subscription_id: UUID, *, actor: Actor) -> bool:
    subscription = lock_subscription(subscription_id)
    now = clock.business_now(subscription.consumer_organization)
    end = subscription.trial_ends_at
    if subscription.status != SubscriptionStatus.TRIALING or end is None or end > now:
        return False
    before = snapshot(subscription)
    lacks_card = subscription.trial_needs_card and not has_card(
        subscription.consumer_organization_id
    )
    if subscription.trial_converts and not lacks_card:
        _become_paid(subscription, before, actor)
        return True
    reason = NO_CARD if subscription.trial_converts else TRIAL_OVER
    move(subscription, SubscriptionStatus.EXPIRED, reason=reason)
    # Service ends with the trial, also if this is written down later.
    subscription.ended_at = end
    cause = Cause(kind=ChangeKind.TRIAL_OVER, actor=actor, reason=reason)
    save_change(subscription, before=before, cause=cause, event=SubscriptionExpired)
    return True


def _become_paid(subscription: Subscription, before: dict[str, object], actor: Actor) -> None:
    move(subscription, SubscriptionStatus.ACTIVE)
    save_change(
        subscription,
        before=before,
        cause=Cause(kind=ChangeKind.TRIAL_CONVERTED, actor=actor),
        event=SubscriptionActivated,
        is_trial=False,
    )

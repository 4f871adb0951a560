"""How a subscription ends because somebody wants it to."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.approvals.services import close_request_about
from apps.core import clock
from apps.core.actors import Actor
from apps.core.querysets import only_of
from apps.pricing.enums import PlanStatus
from apps.pricing.exceptions import PlanClosed
from apps.subscriptions.access_requests import find_open_access_request
from apps.subscriptions.calendar import period_at
from apps.subscriptions.cancellation_quotes import quote_cancellation
from apps.subscriptions.constants import ACCESS_SUBJECT
from apps.subscriptions.enums import LIVE_STATUSES, CancellationOutcome, SubscriptionStatus
from apps.subscriptions.events import (
    CancellationScheduled,
    CancellationWithdrawn,
    SubscriptionCancelled,
)
from apps.subscriptions.exceptions import CancellationAlreadyScheduled, NothingToWithdraw
from apps.subscriptions.models import Subscription
from apps.subscriptions.services.cancellation_records import (
    note_cancelled,
    note_scheduled,
    settle_scheduled,
)
from apps.subscriptions.services.changes import (
    Cause,
    lock_subscription,
    move,
    save_change,
    snapshot,
)
from apps.subscriptions.services.planned_changes import drop_planned_change
from apps.subscriptions.transitions import SUBSCRIPTION


@transaction.atomic
def cancel_subscription(
    *, subscription: Subscription, actor: Actor, reason: str, feedback: str = ""
) -> Subscription:
    """End a subscription at once. Its keys are revoked; what its provider had to decide is withdrawn.

    Fees paid in advance go back as the plan's policy says. Publishes SubscriptionCancelled, and FeesGivenBack where
    something goes back.

    Raises:
        InvalidTransition: it has ended already.
    """
    # The request is locked first, as decisions do.
    close_request_about(subject_type=ACCESS_SUBJECT, subject_id=subscription.pk, actor=actor)
    subscription = lock_subscription(subscription.pk)
    before = snapshot(subscription)
    now = clock.business_now(subscription.consumer_organization)
    quote = quote_cancellation(subscription, at=now)
    move(subscription, SubscriptionStatus.CANCELLED, reason=reason)
    subscription.ended_at = now
    drop_planned_change(subscription=subscription, actor=actor, reason=_("The subscription ends."))
    cause = Cause(kind="cancelled", actor=actor, reason=reason)
    save_change(subscription, before=before, cause=cause, event=SubscriptionCancelled)
    note_cancelled(subscription=subscription, quote=quote, cause=cause, feedback=feedback)
    return subscription


@transaction.atomic
def cancel_at_period_end(
    *, subscription: Subscription, actor: Actor, reason: str, feedback: str = ""
) -> Subscription:
    """Let a subscription end when its period does; until then it works. Publishes CancellationScheduled.

    One that still waits for its provider has no period, and ends at once.

    Raises:
        InvalidTransition: it has ended already.
        CancellationAlreadyScheduled: it was asked for before.
    """
    if find_open_access_request(subscription) is not None:
        return cancel_subscription(
            subscription=subscription, actor=actor, reason=reason, feedback=feedback
        )
    subscription = lock_subscription(subscription.pk)
    SUBSCRIPTION.require(SubscriptionStatus(subscription.status), SubscriptionStatus.CANCELLED)
    if subscription.cancel_at_period_end:
        raise CancellationAlreadyScheduled
    before = snapshot(subscription)
    now = clock.business_now(subscription.consumer_organization)
    subscription.cancel_at_period_end = True
    subscription.ends_at = period_at(subscription, now).end
    drop_planned_change(subscription=subscription, actor=actor, reason=_("The subscription ends."))
    cause = Cause(kind="end_scheduled", actor=actor, reason=reason)
    note_scheduled(subscription=subscription, cause=cause, feedback=feedback)
    save_change(
        subscription,
        before=before,
        cause=cause,
        event=CancellationScheduled,
        ends_at=subscription.ends_at,
    )
    return subscription


@transaction.atomic
def withdraw_cancellation(*, subscription: Subscription, actor: Actor) -> Subscription:
    """Take a scheduled cancellation back. Publishes CancellationWithdrawn.

    Raises:
        NothingToWithdraw: none is scheduled, or it has taken effect.
        PlanClosed: it ends because its plan does.
    """
    subscription = lock_subscription(subscription.pk)
    if subscription.plan.status == PlanStatus.CLOSED:
        raise PlanClosed
    if not subscription.cancel_at_period_end or subscription.status not in LIVE_STATUSES:
        raise NothingToWithdraw
    before = snapshot(subscription)
    subscription.cancel_at_period_end, subscription.ends_at = False, None
    settle_scheduled(subscription=subscription, outcome=CancellationOutcome.WITHDRAWN)
    cause = Cause(kind="end_withdrawn", actor=actor)
    save_change(subscription, before=before, cause=cause, event=CancellationWithdrawn)
    return subscription


def end_due_subscriptions(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """End the subscriptions whose scheduled end has come, by their account's clock; return how many.

    Idempotent: each subscription is locked and looked at again. Publishes SubscriptionCancelled.
    """
    due = Subscription.objects.live().filter(
        ends_at__lte=clock.now() + F("consumer_organization__clock_offset")
    )
    due = only_of(due, organization_id, field="consumer_organization_id")
    count = 0
    for subscription_id in due.values_list("pk", flat=True):
        with transaction.atomic():
            subscription = lock_subscription(subscription_id)
            if subscription.status not in LIVE_STATUSES or subscription.ends_at is None:
                continue
            before = snapshot(subscription)
            move(subscription, SubscriptionStatus.CANCELLED)
            subscription.ended_at = subscription.ends_at
            drop_planned_change(
                subscription=subscription, actor=actor, reason=_("The subscription ends.")
            )
            settle_scheduled(subscription=subscription, outcome=CancellationOutcome.ENDED)
            cause = Cause(kind="cancelled", actor=actor, reason="end of the period")
            save_change(subscription, before=before, cause=cause, event=SubscriptionCancelled)
            count += 1
    return count

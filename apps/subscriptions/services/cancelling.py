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
from apps.subscriptions.enums import (
    LIVE_STATUSES,
    CancellationOutcome,
    ChangeKind,
    SubscriptionStatus,
)
from apps.subscriptions.events import (
    CancellationScheduled,
    CancellationWithdrawn,
    SubscriptionCancelled,
    SubscriptionEvent,
    SubscriptionExpired,
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
from apps.subscriptions.services.planned_changes import apply_due_change, drop_planned_change
from apps.subscriptions.services.terms import follow_periods
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
    follow_periods(subscription)
    settle_scheduled(subscription=subscription, outcome=CancellationOutcome.WITHDRAWN)
    cause = Cause(kind="end_withdrawn", actor=actor)
    save_change(subscription, before=before, cause=cause, event=CancellationWithdrawn)
    return subscription


def end_due_subscriptions(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """End the subscriptions whose scheduled end has come, by their account's clock; return how many.

    One whose fixed term is over expires, unless a change of plan waits for that moment, with which another term may begin.
    Idempotent: each subscription is locked and looked at again. Publishes SubscriptionCancelled or SubscriptionExpired.
    """
    due = Subscription.objects.live().filter(
        ends_at__lte=clock.now() + F("consumer_organization__clock_offset")
    )
    due = only_of(due, organization_id, field="consumer_organization_id")
    return sum(
        _end_due(subscription_id, actor=actor)
        for subscription_id in list(due.values_list("pk", flat=True))
    )


@transaction.atomic
def _end_due(subscription_id: UUID, *, actor: Actor) -> bool:
    subscription = lock_subscription(subscription_id)
    if _ends_with_term(subscription) and subscription.ends_at is not None:
        apply_due_change(subscription_id=subscription_id, until=subscription.ends_at, actor=actor)
        subscription = lock_subscription(subscription_id)
    end = subscription.ends_at
    now = clock.business_now(subscription.consumer_organization)
    if subscription.status not in LIVE_STATUSES or end is None or end > now:
        return False
    before, is_term = snapshot(subscription), _ends_with_term(subscription)
    status = SubscriptionStatus(subscription.status)
    expires = is_term and SUBSCRIPTION.allows(status, SubscriptionStatus.EXPIRED)
    move(subscription, SubscriptionStatus.EXPIRED if expires else SubscriptionStatus.CANCELLED)
    subscription.ended_at = end
    drop_planned_change(subscription=subscription, actor=actor, reason=_("The subscription ends."))
    settle_scheduled(subscription=subscription, outcome=CancellationOutcome.ENDED)
    cause = (
        Cause(kind=ChangeKind.TERM_OVER, actor=actor, reason="end of the term")
        if is_term
        else Cause(kind="cancelled", actor=actor, reason="end of the period")
    )
    event: type[SubscriptionEvent] = SubscriptionExpired if expires else SubscriptionCancelled
    save_change(subscription, before=before, cause=cause, event=event)
    return True


def _ends_with_term(subscription: Subscription) -> bool:
    """Whether its scheduled end is that of its fixed term, not a cancellation."""
    return not subscription.cancel_at_period_end and subscription.term_ends_at is not None

"""Changes of plan that wait for the end of a period, and how any change takes effect.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.querysets import only_of
from apps.pricing.enums import PlanStatus
from apps.subscriptions.calendar import period_number_at
from apps.subscriptions.change_quotes import ChangeQuote, quote_change
from apps.subscriptions.change_terms import Terms
from apps.subscriptions.enums import ENDED_STATUSES, ChangeTiming, PlannedChangeStatus
from apps.subscriptions.events import PlanChanged, PlanChangeScheduled, PlanChangeWithdrawn
from apps.subscriptions.exceptions import NoPlannedChange
from apps.subscriptions.models import PlannedChange, Subscription, SubscriptionChange
from apps.subscriptions.periods import start_of_day
from apps.subscriptions.running_periods import running_period
from apps.subscriptions.services.changes import (
    Cause,
    ChangeMoney,
    lock_subscription,
    save_change,
    snapshot,
)
from apps.subscriptions.services.promotions import lock_redemptions
from apps.subscriptions.services.terms import begin_term, follow_periods


def apply_terms(
    *,
    subscription: Subscription,
    quote: ChangeQuote,
    actor: Actor,
    planned: PlannedChange | None = None,
) -> SubscriptionChange:
    """Put a locked subscription on the terms of a quote from its moment on. Publishes PlanChanged.

    `planned` is the change that waited for this moment.
    """
    before = snapshot(subscription)
    if quote.starts_period:
        _begin_anew(subscription, quote)
    is_other_plan = subscription.plan_id != quote.new.version.plan_id
    subscription.plan = quote.new.version.plan
    subscription.price_version = quote.new.version
    subscription.quantity = quote.new.quantity
    if is_other_plan:
        begin_term(subscription, number=period_number_at(subscription, quote.at))
    else:
        follow_periods(subscription)
    return save_change(
        subscription,
        before=before,
        cause=Cause(kind="plan_changed", actor=actor, effective_at=quote.at),
        event=PlanChanged,
        money=ChangeMoney(quote=quote.to_json(), net=quote.net),
        starts_period=quote.starts_period,
        planned_change_id=planned.pk if planned else None,
    )


def _begin_anew(subscription: Subscription, quote: ChangeQuote) -> None:
    """Count periods from the day of the change on; numbers go on, so that no two periods have the same."""
    zone = subscription.timezone
    starts_at = start_of_day(quote.day, zone)
    # On a period's first day there is nothing before the change to bill: the period keeps its number.
    number = period_number_at(subscription, starts_at - timedelta(microseconds=1)) + 1
    subscription.anchor, subscription.anchor_number = starts_at, number
    # Moves to other time zones before are over with the count that they belong to.
    subscription.past_zones = []


@transaction.atomic
def withdraw_planned_change(*, subscription: Subscription, actor: Actor) -> Subscription:
    """Take back a change that waits for the end of the period. Publishes PlanChangeWithdrawn.

    Raises:
        NoPlannedChange: none waits, or it has taken effect.
    """
    locked = lock_subscription(subscription.pk)
    planned = settle_planned(locked, PlannedChangeStatus.WITHDRAWN)
    if planned is None:
        raise NoPlannedChange
    _note_withdrawn(locked, planned, Cause(kind="change_withdrawn", actor=actor))
    return locked


def drop_planned_change(*, subscription: Subscription, actor: Actor, reason: str) -> None:
    """Let a waiting change go because the subscription ends. The caller holds the subscription's lock."""
    planned = settle_planned(subscription, PlannedChangeStatus.DROPPED, reason=reason)
    if planned is not None:
        cause = Cause(kind="change_withdrawn", actor=actor, reason=reason)
        _note_withdrawn(subscription, planned, cause)


def apply_due_changes(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Carry out the planned changes whose day has come by their account's clock; return how many.

    Only those of one organization where one is named. Idempotent: each subscription is locked and looked at again. Publishes PlanChanged.
    """
    now_there = clock.now() + F("subscription__consumer_organization__clock_offset")
    due = PlannedChange.objects.filter(status=PlannedChangeStatus.WAITING, due_at__lte=now_there)
    due = only_of(due, organization_id, field="subscription__consumer_organization_id")
    rows = due.order_by("due_at", "id").values_list("subscription_id", "due_at")
    return sum(
        apply_due_change(subscription_id=subscription_id, until=due_at, actor=actor)
        for subscription_id, due_at in rows
    )


@transaction.atomic
def apply_due_change(*, subscription_id: UUID, until: datetime, actor: Actor) -> bool:
    """Carry out the change that waits for a moment up to `until`; return whether there was one.

    What cannot be done any more, because the plan was closed, is dropped with the reason.
    """
    subscription = lock_subscription(subscription_id)
    planned = (
        PlannedChange.objects.filter(
            subscription=subscription, status=PlannedChangeStatus.WAITING, due_at__lte=until
        )
        .select_related("plan", "price_version__plan")
        .first()
    )
    if planned is None:
        return False
    if subscription.status in ENDED_STATUSES or planned.plan.status == PlanStatus.CLOSED:
        drop_planned_change(
            subscription=subscription, actor=actor, reason=_("It cannot be done any more.")
        )
        return False
    settle_planned(subscription, PlannedChangeStatus.APPLIED)
    terms = Terms(planned.price_version, planned.quantity)
    at = planned.due_at
    # Where the next period is open already, it is changed from its first moment, as any running one.
    has_rolled = running_period(subscription, at).is_open
    timing = ChangeTiming.NOW if has_rolled else ChangeTiming.PERIOD_END
    lock_redemptions(subscription)
    quote = quote_change(subscription, terms, at=at, timing=timing, effective_at=at)
    apply_terms(subscription=subscription, quote=quote, actor=actor, planned=planned)
    return True


def plan_change(*, subscription: Subscription, quote: ChangeQuote, actor: Actor) -> PlannedChange:
    """Let a change wait for its day; one that waits already is replaced. Publishes PlanChangeScheduled.

    The caller holds the subscription's lock.
    """
    settle_planned(subscription, PlannedChangeStatus.REPLACED)
    planned = PlannedChange.objects.create(
        subscription=subscription,
        plan=quote.new.version.plan,
        price_version=quote.new.version,
        quantity=quote.new.quantity,
        due_at=quote.at,
        actor_user_id=actor.user_id,
    )
    save_change(
        subscription,
        before=snapshot(subscription),
        cause=Cause(kind="change_scheduled", actor=actor),
        event=PlanChangeScheduled,
        extra=_facts_of(planned),
        planned_change_id=planned.pk,
        due_at=planned.due_at,
    )
    return planned


def settle_planned(
    subscription: Subscription, status: PlannedChangeStatus, *, reason: str = ""
) -> PlannedChange | None:
    """Give the waiting change of a locked subscription its end; None where none waits."""
    waiting = PlannedChange.objects.filter(
        subscription=subscription, status=PlannedChangeStatus.WAITING
    )
    planned = waiting.select_related("plan", "price_version").first()
    if planned is not None:
        planned.status, planned.status_reason = status, reason
        planned.settled_at = clock.business_now(subscription.consumer_organization)
        planned.save(update_fields=["status", "status_reason", "settled_at", "updated_at"])
    return planned


def _note_withdrawn(subscription: Subscription, planned: PlannedChange, cause: Cause) -> None:
    save_change(
        subscription,
        before=snapshot(subscription),
        cause=cause,
        event=PlanChangeWithdrawn,
        extra=_facts_of(planned),
        planned_change_id=planned.pk,
    )


def _facts_of(planned: PlannedChange) -> dict[str, Any]:
    return {
        "planned_plan": planned.plan.public_id,
        "planned_price_version": planned.price_version.public_id,
        "planned_quantity": planned.quantity,
        "due_at": planned.due_at.isoformat(),
    }

"""What follows for subscriptions when their plan is closed."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.utils.translation import gettext_noop

from apps.core.actors import Actor
from apps.core.exceptions import InvalidTransition
from apps.pricing.enums import PlanStatus
from apps.subscriptions.exceptions import CancellationAlreadyScheduled
from apps.subscriptions.models import Subscription
from apps.subscriptions.services.cancelling import cancel_at_period_end

PLAN_CLOSED_REASON: Final = gettext_noop("The provider closed the plan.")


def end_subscriptions_of_closed_plans(*, actor: Actor, plan_id: UUID | None = None) -> int:
    """Let the subscriptions of closed plans (of one, or of all) end with their running period; return how many.

    One that waits for its provider ends at once. Idempotent: who ends already is left alone. Each is a transaction of
    its own, so that a plan with many subscribers holds no long lock.

    Publishes CancellationScheduled or SubscriptionCancelled for each.
    """
    rows = Subscription.objects.live().filter(
        plan__status=PlanStatus.CLOSED, cancel_at_period_end=False
    )
    if plan_id is not None:
        rows = rows.filter(plan_id=plan_id)
    count = 0
    for subscription in rows.select_related("consumer_organization").iterator():
        try:
            cancel_at_period_end(subscription=subscription, actor=actor, reason=PLAN_CLOSED_REASON)
        except (InvalidTransition, CancellationAlreadyScheduled):
            continue  # it ended, or somebody cancelled it, between the query and the lock
        count += 1
    return count

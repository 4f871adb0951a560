"""Writes of subscriptions: how they start, and how they move on."""

from apps.subscriptions.services.cancelling import (
    cancel_at_period_end,
    cancel_subscription,
    end_due_subscriptions,
    withdraw_cancellation,
)
from apps.subscriptions.services.moving import (
    activate_due_trials,
    expire_subscription,
    mark_paid_up,
    mark_past_due,
    pause_subscription,
    resume_subscription,
    suspend_subscription,
    unpause_subscription,
)
from apps.subscriptions.services.starting import (
    accept_subscription,
    decline_subscription,
    subscribe,
)

__all__ = [
    "accept_subscription",
    "activate_due_trials",
    "cancel_at_period_end",
    "cancel_subscription",
    "decline_subscription",
    "end_due_subscriptions",
    "expire_subscription",
    "mark_paid_up",
    "mark_past_due",
    "pause_subscription",
    "resume_subscription",
    "subscribe",
    "suspend_subscription",
    "unpause_subscription",
    "withdraw_cancellation",
]

"""Moves of a subscription."""

from typing import Final

from apps.core.transitions import StateMachine
from apps.subscriptions.enums import SubscriptionStatus as S

SUBSCRIPTION: Final = StateMachine(
    {
        S.PENDING_APPROVAL: {S.TRIALING, S.ACTIVE, S.CANCELLED},
        S.TRIALING: {S.ACTIVE, S.PAST_DUE, S.EXPIRED, S.CANCELLED},
        S.ACTIVE: {S.PAST_DUE, S.SUSPENDED, S.PAUSED, S.EXPIRED, S.CANCELLED},
        S.PAST_DUE: {S.ACTIVE, S.SUSPENDED, S.CANCELLED},
        S.SUSPENDED: {S.ACTIVE, S.CANCELLED},
        S.PAUSED: {S.ACTIVE, S.CANCELLED},
    }
)

"""States of a subscription."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class SubscriptionStatus(TextChoices):
    """Where a subscription stands."""

    PENDING_APPROVAL = "pending_approval", pgettext_lazy("subscription", "pending approval")
    TRIALING = "trialing", pgettext_lazy("subscription", "trial")
    ACTIVE = "active", pgettext_lazy("subscription", "active")
    PAST_DUE = "past_due", pgettext_lazy("subscription", "past due")
    SUSPENDED = "suspended", pgettext_lazy("subscription", "suspended")
    PAUSED = "paused", pgettext_lazy("subscription", "paused")
    CANCELLED = "cancelled", pgettext_lazy("subscription", "cancelled")
    EXPIRED = "expired", pgettext_lazy("subscription", "expired")


# Calls pass in these states; beyond its grace a past-due subscription is suspended.
CALLABLE_STATUSES = (
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAST_DUE,
)
LIVE_STATUSES = (
    *CALLABLE_STATUSES,
    SubscriptionStatus.PENDING_APPROVAL,
    SubscriptionStatus.SUSPENDED,
    SubscriptionStatus.PAUSED,
)
ENDED_STATUSES = (SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED)

"""Subscriptions, their changes and limits, and reviews, a module per subject."""

<<<<<<< HEAD
from apps.subscriptions.models.notices import SubscriptionNotice
=======
from apps.subscriptions.models.promotions import (
    PromotionRedemption,
    PromotionRedemptionQuerySet,
)
>>>>>>> 1e94180 (pricing, subscriptions: Promotions with conditions, and redeeming them by code.)
from apps.subscriptions.models.quotas import QuotaTopUp, SpendCap
from apps.subscriptions.models.reviews import Rating, RatingQuerySet, RatingReport
from apps.subscriptions.models.subscriptions import (
    Subscription,
    SubscriptionChange,
    SubscriptionQuerySet,
)

__all__ = [
    "PromotionRedemption",
    "PromotionRedemptionQuerySet",
    "QuotaTopUp",
    "Rating",
    "RatingQuerySet",
    "RatingReport",
    "SpendCap",
    "Subscription",
    "SubscriptionChange",
    "SubscriptionNotice",
    "SubscriptionQuerySet",
]

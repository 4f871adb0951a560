"""Subscriptions, their changes and limits, and reviews, a module per subject."""

from apps.subscriptions.models.notices import SubscriptionNotice
from apps.subscriptions.models.plan_changes import CancellationRequest, PlannedChange
from apps.subscriptions.models.plan_moves import MoveStep, PlanMove
from apps.subscriptions.models.promotions import (
    PromotionRedemption,
    PromotionRedemptionQuerySet,
    PromotionUse,
)
from apps.subscriptions.models.quotas import QuotaTopUp, SpendCap
from apps.subscriptions.models.reviews import Rating, RatingQuerySet, RatingReport
from apps.subscriptions.models.subscriptions import (
    Subscription,
    SubscriptionChange,
    SubscriptionQuerySet,
)

__all__ = [
    "CancellationRequest",
    "MoveStep",
    "PlanMove",
    "PlannedChange",
    "PromotionRedemption",
    "PromotionRedemptionQuerySet",
    "PromotionUse",
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

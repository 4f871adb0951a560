"""A promotion in the calculator's words."""

from __future__ import annotations

from decimal import Decimal

from apps.core.money import Money
from apps.pricing.calculator.promotions import Reduction, ReductionKind
from apps.pricing.enums import PromotionKind
from apps.pricing.models import Promotion


def reduction_of(promotion: Promotion, currency: str) -> Reduction:
    """Return what a promotion does to a bill; `key` is its public id."""
    values = {
        PromotionKind.PERCENTAGE: promotion.percent_off,
        PromotionKind.FREE_UNITS: promotion.free_units,
        PromotionKind.TIER_UPGRADE: promotion.tiers_up,
        PromotionKind.FIXED_AMOUNT: Money(promotion.amount_off_minor or 0, currency).amount,
    }
    return Reduction(
        key=promotion.public_id,
        kind=ReductionKind(promotion.kind),
        value=Decimal(values.get(PromotionKind(promotion.kind)) or 0),
        meter=promotion.meter or None,
        is_exclusive=promotion.is_exclusive,
    )

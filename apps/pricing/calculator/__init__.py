"""The calculator: price table and usage in, charges with every step out.

Plain Python on purpose: no Django, no database, no clock. `rate` is the whole of it; the rest are
its words.
"""

from apps.pricing.calculator.bookings import (
    LimitedBooking,
    SpendLimits,
    book_difference,
    left_in_free_pool,
    limit_booking,
    percent_of,
)
from apps.pricing.calculator.prices import (
    Component,
    PackageRounding,
    PriceTable,
    PricingModel,
    Tier,
    Usage,
)
from apps.pricing.calculator.rating import Charge, Rating, rate, rate_component, round_line
from apps.pricing.calculator.steps import Step, StepCode, StepMismatchError, recompute

__all__ = [
    "Charge",
    "Component",
    "LimitedBooking",
    "PackageRounding",
    "PriceTable",
    "PricingModel",
    "Rating",
    "SpendLimits",
    "Step",
    "StepCode",
    "StepMismatchError",
    "Tier",
    "Usage",
    "book_difference",
    "left_in_free_pool",
    "limit_booking",
    "percent_of",
    "rate",
    "rate_component",
    "recompute",
    "round_line",
]

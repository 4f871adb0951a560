"""The calculator: price table and usage in, charges with every step out.

Plain Python on purpose: no Django, no database, no clock. `rate` is the whole of it; the rest are
its words.
"""

from apps.pricing.calculator.amounts import PercentageTally, tally_alike, tally_amounts
from apps.pricing.calculator.bookings import (
    LimitedBooking,
    SpendLimits,
    book_difference,
    left_in_free_pool,
    limit_booking,
    percent_of,
)
from apps.pricing.calculator.caps import price_of, units_within
from apps.pricing.calculator.defects import Defect, DefectCode, find_defects
from apps.pricing.calculator.dimensions import priced_by
from apps.pricing.calculator.prices import (
    Component,
    Dimensions,
    PackageRounding,
    PriceTable,
    PricingModel,
    Tier,
)
from apps.pricing.calculator.quantities import (
    Conversion,
    QuantityRounding,
    QuantityRule,
    convert_quantity,
)
from apps.pricing.calculator.rating import Charge, Rating, rate, rate_component, round_line
from apps.pricing.calculator.steps import Step, StepCode, StepMismatchError, recompute
from apps.pricing.calculator.totals import (
    Discount,
    DiscountKind,
    InvoiceTotals,
    TaxableLine,
    TaxPolicy,
    total_invoice,
)
from apps.pricing.calculator.usage import Usage, UsagePart

__all__ = [
    "Charge",
    "Component",
    "Conversion",
    "Defect",
    "DefectCode",
    "Dimensions",
    "Discount",
    "DiscountKind",
    "InvoiceTotals",
    "LimitedBooking",
    "PackageRounding",
    "PercentageTally",
    "PriceTable",
    "PricingModel",
    "QuantityRounding",
    "QuantityRule",
    "Rating",
    "SpendLimits",
    "Step",
    "StepCode",
    "StepMismatchError",
    "TaxPolicy",
    "TaxableLine",
    "Tier",
    "Usage",
    "UsagePart",
    "book_difference",
    "convert_quantity",
    "find_defects",
    "left_in_free_pool",
    "limit_booking",
    "percent_of",
    "price_of",
    "priced_by",
    "rate",
    "rate_component",
    "recompute",
    "round_line",
    "tally_alike",
    "tally_amounts",
    "total_invoice",
    "units_within",
]

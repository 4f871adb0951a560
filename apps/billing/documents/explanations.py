"""The working of a charge in the reader's words, for the PDF and for the portal's unfolded line."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from apps.billing.documents.model import LineStep
from apps.core.formatting import format_number, format_unit_price
from apps.core.money import round_half_away
from apps.pricing.calculator import Conversion, Step, StepCode

ZERO: Final = Decimal(0)
# Amounts with longer tails (a fee over 31 days never ends) are shown rounded, with a sign that
# says so.
SHOWN_PLACES: Final = 6


def describe_step(step: Step, currency: str) -> LineStep:
    """Write one step of a charge in the active language."""
    return LineStep(
        label=_label(step, currency),
        working=_working(step, currency),
        amount=_amount(step.amount, currency),
    )


def _label(step: Step, currency: str) -> str:
    return _label_template(step) % {
        "tier": _tier(step),
        "size": _quantity(step.package_size or ZERO),
        "limit": format_unit_price(step.limit or ZERO, currency),
        "billed": step.billed_days,
        "period": step.period_days,
    }


def _label_template(step: Step) -> str:
    is_prorated = step.billed_days != step.period_days
    if is_prorated and step.code is StepCode.FLAT_FEE:
        return _("Fee for %(billed)s of %(period)s days")
    if is_prorated and step.code is StepCode.MINIMUM_SPEND:
        return _("Up to the minimum of %(limit)s, for %(billed)s of %(period)s days")
    templates = {
        StepCode.UNITS: _("Units"),
        StepCode.FREE_UNITS: _("Free units"),
        StepCode.NEGATIVE_USAGE: _("Negative usage counts as zero"),
        StepCode.TIER: "%(tier)s",
        StepCode.VOLUME_TIER: _("All at the price of: %(tier)s"),
        StepCode.PACKAGES: _("Packages of %(size)s"),
        StepCode.PERCENT_TIER: "%(tier)s",
        StepCode.PERCENT: _("Share of the amount"),
        StepCode.FREE_EVENTS: _("Free part of the amount"),
        StepCode.FIXED_FEE: _("Fee per charged event"),
        StepCode.EVENT_MINIMUM: _("Events at the minimum"),
        StepCode.EVENT_MAXIMUM: _("Events at the maximum"),
        StepCode.FLAT_FEE: _("Fee of the period"),
        StepCode.MINIMUM_SPEND: _("Up to the minimum of %(limit)s"),
        StepCode.MAXIMUM_SPEND: _("Down to the maximum of %(limit)s"),
        StepCode.CONVERSION: _("Converted to priced units"),
        StepCode.BOOKED_BEFORE: _("Less what was charged before"),
        StepCode.BEYOND_SPEND_CAP: _("Beyond your spend cap: not charged"),
    }
    return templates[step.code]


def _tier(step: Step) -> str:
    """Name a tier by its bounds: the lower does not belong to it, the upper does."""
    lower, upper = step.tier_from or ZERO, step.tier_to
    if upper is None:
        return _("Over %(lower)s") % {"lower": _quantity(lower)} if lower else _("Any quantity")
    if not lower:
        return _("First %(upper)s") % {"upper": _quantity(upper)}
    return _("Over %(lower)s up to %(upper)s") % {
        "lower": _quantity(lower),
        "upper": _quantity(upper),
    }


def _working(step: Step, currency: str) -> str:
    """Write the step's numbers in symbols; the amount stands beside it."""
    if step.code in {StepCode.MINIMUM_SPEND, StepCode.MAXIMUM_SPEND}:
        return ""
    if step.code is StepCode.CONVERSION:
        return _conversion(step)
    factor = step.quantity if step.packages is None else step.packages
    if step.unit_price is not None:
        price = format_unit_price(step.unit_price, currency)
    elif step.rate_percent is not None:
        price = f"{_quantity(step.rate_percent)} %"
    else:
        return _quantity(step.quantity or ZERO)
    text = price if factor is None else f"{_quantity(factor)} × {price}"
    if step.period_days is not None and step.billed_days != step.period_days:
        text += f" × {step.billed_days}/{step.period_days}"
    if step.flat_fee:
        text += f" + {format_unit_price(step.flat_fee, currency)}"
    return text


def _conversion(step: Step) -> str:
    raw, factor, units = (
        _quantity(number or ZERO) for number in (step.quantity, step.factor, step.units)
    )
    sign = "÷" if step.operation == Conversion.DIVIDE else "×"
    return f"{raw} {sign} {factor} → {units}"


def _quantity(value: Decimal) -> str:
    exponent = value.normalize().as_tuple().exponent
    return format_number(value, max(0, -int(exponent)))


def _amount(amount: Decimal, currency: str) -> str:
    shown = round_half_away(amount, SHOWN_PLACES)
    text = format_unit_price(shown, currency)
    return text if shown == amount else f"≈ {text}"

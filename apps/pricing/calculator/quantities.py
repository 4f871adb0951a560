"""What is done to a meter's total before it is priced: conversion and rounding.

Both act on the period's cumulative quantity, never on increments, so the order of events cannot
matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from enum import StrEnum
from typing import Final

from apps.core.money import DECIMAL_CONTEXT


class Conversion(StrEnum):
    """How a raw quantity becomes priced units, such as bytes that are sold by the gigabyte."""

    MULTIPLY = "multiply"
    DIVIDE = "divide"


class QuantityRounding(StrEnum):
    """How a quantity is rounded; ties go away from zero."""

    NONE = "none"
    HALF_UP = "half_up"
    CEILING = "ceiling"
    FLOOR = "floor"


DECIMAL_ROUNDINGS: Final = {
    QuantityRounding.HALF_UP: ROUND_HALF_UP,
    QuantityRounding.CEILING: ROUND_CEILING,
    QuantityRounding.FLOOR: ROUND_FLOOR,
}


@dataclass(frozen=True, slots=True)
class QuantityRule:
    """What is done to a raw quantity before it is priced. The factor is positive."""

    conversion: Conversion
    factor: Decimal
    rounding: QuantityRounding = QuantityRounding.NONE

    def convert(self, raw: Decimal) -> Decimal:
        """Return the priced units of a raw quantity."""
        return convert_quantity(raw, self.conversion, self.factor, self.rounding)


def convert_quantity(
    raw: Decimal, conversion: Conversion, factor: Decimal, rounding: QuantityRounding
) -> Decimal:
    """Convert a raw quantity to priced units, then round it to whole units when asked to.

    Raises:
        ValueError: the factor is not positive.
    """
    if factor <= 0:
        raise ValueError(f"a conversion factor must be positive, not {factor}")
    with localcontext(DECIMAL_CONTEXT):
        units = raw * factor if conversion is Conversion.MULTIPLY else raw / factor
    return round_quantity(units, rounding)


def round_quantity(quantity: Decimal, rounding: QuantityRounding, places: int = 0) -> Decimal:
    """Round a quantity to `places` decimals; negative places mean tens, hundreds."""
    if rounding is QuantityRounding.NONE:
        return quantity
    quantum = Decimal(1).scaleb(-places)
    rounded = quantity.quantize(
        quantum, rounding=DECIMAL_ROUNDINGS[rounding], context=DECIMAL_CONTEXT
    )
    return rounded.quantize(Decimal(1)) if places < 0 else rounded

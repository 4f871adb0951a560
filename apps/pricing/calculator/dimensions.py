"""Prices that differ by a property of the call, such as its region: which component prices which part of a meter's usage.

Source: docs/domain/pricing.md, "Prices by dimension".
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from apps.pricing.calculator.prices import ZERO, Component, UsagePart


def quantity_priced_by(
    component: Component, rivals: Sequence[Component], parts: Sequence[UsagePart]
) -> Decimal:
    """Add up the parts that a component prices: those that no rival of the same meter fits more closely.

    A component fits a part that has all of its dimensions; of two that fit, the one that names more wins, then the one
    that stands first. A component without dimensions takes what is left.
    """
    total = ZERO
    for part in parts:
        fitting = [rival for rival in rivals if set(rival.dimensions) <= set(part.dimensions)]
        if fitting and max(fitting, key=lambda rival: len(rival.dimensions)) is component:
            total += part.quantity
    return total

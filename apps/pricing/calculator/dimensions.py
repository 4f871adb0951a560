"""Prices that differ by a property of the call, such as its region: which component prices which part of a meter's usage.

Source: docs/domain/pricing.md, "Prices by dimension".
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from apps.pricing.calculator.prices import ZERO, Component, Dimensions
from apps.pricing.calculator.usage import UsagePart


def quantity_priced_by(
    component: Component, rivals: Sequence[Component], parts: Sequence[UsagePart]
) -> Decimal:
    """Add up the parts that a component prices: those that no rival of the same meter fits more closely.

    A component fits a part that has all of its dimensions; of two that fit, the one that names more wins, then the one
    that stands first. A component without dimensions takes what is left.
    """
    total = ZERO
    for part in parts:
        if priced_by(rivals, part.dimensions) is component:
            total += part.quantity
    return total


def events_priced_by(
    component: Component, rivals: Sequence[Component], parts: Sequence[UsagePart]
) -> int | None:
    """Add up the events of the parts that a component prices; None where a part does not say how many it has."""
    counts = [part.event_count for part in parts if priced_by(rivals, part.dimensions) is component]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def priced_by(rivals: Sequence[Component], dimensions: Dimensions) -> Component | None:
    """Return which of a meter's prices counts for a part with these dimensions; None where none fits."""
    fitting = [rival for rival in rivals if set(rival.dimensions) <= set(dimensions)]
    return max(fitting, key=lambda rival: len(rival.dimensions)) if fitting else None

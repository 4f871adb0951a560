"""What keeps a price table from being sold, each with the path of the field that is wrong.

The calculator prices any table that makes arithmetic sense; a plan must also leave no quantity without
a price and never charge a negative one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Final

from apps.pricing.calculator.prices import TIERED_MODELS, ZERO, Component, PriceTable, Tier

MAX_PLACES: Final = 12
MAX_PERCENT: Final = Decimal(100)


class DefectCode(StrEnum):
    """What is wrong. Stable: interfaces translate by it."""

    NEGATIVE = "negative"
    TOO_MANY_PLACES = "too_many_places"
    NOT_FINITE = "not_finite"
    MORE_THAN_ALL = "more_than_all"
    TIERS_NOT_RISING = "tiers_not_rising"
    TIER_AFTER_OPEN_END = "tier_after_open_end"
    NO_OPEN_END = "no_open_end"
    TIERS_NOT_USED = "tiers_not_used"
    MINIMUM_ABOVE_MAXIMUM = "minimum_above_maximum"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing to mend: a JSON pointer such as `/components/0/tiers/2/up_to`, and a code."""

    pointer: str
    code: DefectCode


def find_defects(table: PriceTable) -> list[Defect]:
    """Return everything that keeps a table from being sold, in the order of its fields."""
    return [
        defect
        for position, component in enumerate(table.components)
        for defect in _component_defects(component, f"/components/{position}")
    ]


def _component_defects(component: Component, pointer: str) -> Iterator[Defect]:
    numbers = list(_number_defects(component, pointer))
    for position, tier in enumerate(component.tiers):
        numbers += _number_defects(tier, f"{pointer}/tiers/{position}")
    yield from numbers
    if any(defect.code is DefectCode.NOT_FINITE for defect in numbers):
        return  # such a number cannot be compared with another
    for least, most in (("min_spend", "max_spend"), ("min_per_event", "max_per_event")):
        low, high = getattr(component, least), getattr(component, most)
        if low is not None and high is not None and low > high:
            yield Defect(f"{pointer}/{least}", DefectCode.MINIMUM_ABOVE_MAXIMUM)
    if component.model in TIERED_MODELS:
        yield from _ladder_defects(component.tiers, f"{pointer}/tiers")
    elif component.tiers:
        yield Defect(f"{pointer}/tiers", DefectCode.TIERS_NOT_USED)


def _ladder_defects(tiers: tuple[Tier, ...], pointer: str) -> Iterator[Defect]:
    """Check that the bounds rise and that the last tier, and no other, is open."""
    lower = ZERO
    last = len(tiers) - 1
    for position, tier in enumerate(tiers):
        if tier.up_to is None:
            if position != last:
                yield Defect(f"{pointer}/{position}/up_to", DefectCode.TIER_AFTER_OPEN_END)
            continue
        if position == last:
            yield Defect(f"{pointer}/{position}/up_to", DefectCode.NO_OPEN_END)
        if tier.up_to <= lower:
            yield Defect(f"{pointer}/{position}/up_to", DefectCode.TIERS_NOT_RISING)
        lower = tier.up_to


def _number_defects(record: Component | Tier, pointer: str) -> Iterator[Defect]:
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, int) and value < 0:
            yield Defect(f"{pointer}/{field.name}", DefectCode.NEGATIVE)
        if not isinstance(value, Decimal):
            continue
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            yield Defect(f"{pointer}/{field.name}", DefectCode.NOT_FINITE)
        elif value < 0:
            yield Defect(f"{pointer}/{field.name}", DefectCode.NEGATIVE)
        elif -exponent > MAX_PLACES:
            yield Defect(f"{pointer}/{field.name}", DefectCode.TOO_MANY_PLACES)
        elif field.name == "rate_percent" and value > MAX_PERCENT:
            yield Defect(f"{pointer}/{field.name}", DefectCode.MORE_THAN_ALL)

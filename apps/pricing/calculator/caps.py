"""How many calls a spend cap lets through: the price of a period turned round.

A price need not rise with the quantity: under volume pricing the next tier may be cheaper. A call that would pass a
costlier stretch on its way must not be let through, so what counts is the *first* quantity that costs more than the
cap. Within one tier the price never falls, so each tier is searched by halving.

Source: docs/domain/quotas.md §4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from apps.core.money import Money
from apps.pricing.calculator.prices import ZERO, Component, PriceTable, PricingModel
from apps.pricing.calculator.rating import rate_component, round_line
from apps.pricing.calculator.usage import Usage

# A cap that so many units do not reach is none. Counters hold the number exactly in every language that reads it.
UNREACHED: Final = 10**15


def price_of(table: PriceTable, meter: str, quantity: int) -> Money:
    """Return what a whole period with this quantity of one meter, and none of others, costs before tax.

    The sum of the rounded lines, fees that are due anyway included.
    """
    total = Money.zero(table.currency)
    for component in table.components:
        is_priced = component.meter == meter and not component.dimensions
        used = Usage(quantity=Decimal(quantity)) if is_priced else Usage()
        total += round_line(rate_component(component, used), table.currency)
    return total


def units_within(table: PriceTable, meter: str, cap: Money) -> int | None:
    """Return the largest quantity of a meter up to which every quantity costs at most the cap.

    0 where the fees alone cost more; None where no quantity reaches the cap.
    """
    priced = next(
        (item for item in table.components if item.meter == meter and not item.dimensions), None
    )
    # The other components cost the same whatever this meter says.
    others = replace(
        table, components=tuple(item for item in table.components if item is not priced)
    )
    left = cap - price_of(others, meter, 0)
    if left.amount_minor < 0:
        return 0
    if priced is None:
        return None
    component = priced

    def is_above(quantity: int) -> bool:
        charge = rate_component(component, Usage(quantity=Decimal(quantity)))
        return left < round_line(charge, table.currency)

    for first, last in _rising_stretches(component):
        if is_above(first):
            return max(0, first - 1)
        if is_above(last):
            return _first_above(is_above, first, last) - 1
    return None


def _rising_stretches(component: Component) -> Iterator[tuple[int, int]]:
    """Yield ranges of quantities, in order and without gaps, in which the price never falls."""
    first = 0
    if component.model is PricingModel.VOLUME:
        for tier in component.tiers[:-1]:
            if tier.up_to is None:
                break
            last = _last_within(component, tier.up_to + max(ZERO, component.free_units))
            if first <= last < UNREACHED:
                yield first, last
                first = last + 1
    yield first, UNREACHED


def _last_within(component: Component, units: Decimal) -> int:
    """Return the largest whole quantity that is worth at most so many priced units."""
    rule = component.conversion
    if rule is None:
        return int(units.to_integral_value(ROUND_FLOOR))
    if rule.convert(Decimal(UNREACHED)) <= units:
        return UNREACHED
    # What comes before the first quantity above; conversion and rounding never fall.
    return _first_above(lambda quantity: rule.convert(Decimal(quantity)) > units, 0, UNREACHED) - 1


def _first_above(is_above: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first quantity that is above; `low` is not, `high` is."""
    while high - low > 1:
        middle = (low + high) // 2
        if is_above(middle):
            high = middle
        else:
            low = middle
    return high

"""Ladders of tiers: graduated, volume, and graduated percentage.

A tier holds `(previous up_to, up_to]`. Its flat fee is due once the quantity goes beyond its lower
bound; the first tier's is due at zero already. What lies beyond a finite last tier is priced at
that tier.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from apps.pricing.calculator.prices import ZERO, Component, Tier
from apps.pricing.calculator.steps import HUNDRED, Step, StepCode


def graduated(component: Component, quantity: Decimal) -> Iterator[Step]:
    """Price each tier's slice of the quantity at that tier."""
    for lower, tier, units in _slices(component.tiers, quantity):
        yield _priced(StepCode.TIER, lower, tier, units)


def volume(component: Component, quantity: Decimal) -> Iterator[Step]:
    """Price the whole quantity at the one tier that holds it; the amount may fall between tiers."""
    lower = ZERO
    for tier in component.tiers[:-1]:
        if tier.up_to is None or quantity <= tier.up_to:
            yield _priced(StepCode.VOLUME_TIER, lower, tier, quantity)
            return
        lower = tier.up_to
    yield _priced(StepCode.VOLUME_TIER, lower, component.tiers[-1], quantity)


def graduated_percentage(component: Component, quantity: Decimal) -> Iterator[Step]:
    """Take each tier's percentage of its slice of a cumulative amount of money."""
    for lower, tier, amount in _slices(component.tiers, quantity):
        yield Step(
            StepCode.PERCENT_TIER,
            amount * tier.rate_percent / HUNDRED + tier.flat_fee,
            quantity=amount,
            flat_fee=tier.flat_fee,
            rate_percent=tier.rate_percent,
            tier_from=lower,
            tier_to=tier.up_to,
        )


def started_packages(quantity: Decimal, package_size: Decimal) -> Decimal:
    """Return how many packages of that size the quantity opens."""
    return (quantity / package_size).to_integral_value(rounding=ROUND_CEILING)


def _slices(tiers: tuple[Tier, ...], quantity: Decimal) -> Iterator[tuple[Decimal, Tier, Decimal]]:
    """Yield lower bound, tier and the quantity inside it, for every tier that is entered."""
    lower = ZERO
    last = len(tiers) - 1
    for position, tier in enumerate(tiers):
        if position and quantity <= lower:
            return
        upper = tier.up_to
        if position == last or upper is None or quantity <= upper:
            yield lower, tier, quantity - lower
            return
        yield lower, tier, upper - lower
        lower = upper


def _priced(code: StepCode, lower: Decimal, tier: Tier, units: Decimal) -> Step:
    if tier.package_size is None:
        packages = None
        amount = units * tier.unit_price + tier.flat_fee
    else:
        packages = started_packages(units, tier.package_size)
        amount = packages * tier.unit_price + tier.flat_fee
    return Step(
        code,
        amount,
        quantity=units,
        unit_price=tier.unit_price,
        flat_fee=tier.flat_fee,
        packages=packages,
        package_size=tier.package_size,
        tier_from=lower,
        tier_to=tier.up_to,
    )

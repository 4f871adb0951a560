"""Models without tiers: per unit, package and flat; percentages are in `amounts`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal

from apps.pricing.calculator.prices import Component, PackageRounding
from apps.pricing.calculator.steps import Step, StepCode
from apps.pricing.calculator.tiered import started_packages
from apps.pricing.calculator.usage import Usage


def per_unit(component: Component, quantity: Decimal) -> Iterator[Step]:
    """Price every unit alike."""
    yield Step(
        StepCode.UNITS,
        quantity * component.unit_price,
        quantity=quantity,
        unit_price=component.unit_price,
    )


def package(component: Component, quantity: Decimal) -> Iterator[Step]:
    """Price whole packages: every started one, or every full one when rounding down."""
    size = component.package_size
    if component.package_rounding is PackageRounding.UP:
        packages = started_packages(quantity, size)
    else:
        packages = (quantity / size).to_integral_value(rounding=ROUND_FLOOR)
    yield Step(
        StepCode.PACKAGES,
        packages * component.package_price,
        quantity=quantity,
        unit_price=component.package_price,
        packages=packages,
        package_size=size,
    )


def flat(component: Component, usage: Usage) -> Iterator[Step]:
    """Charge the period's fee for the days of service: "17 of 31 days"."""
    yield Step(
        StepCode.FLAT_FEE,
        component.unit_price * usage.billed_days / usage.period_days,
        unit_price=component.unit_price,
        billed_days=usage.billed_days,
        period_days=usage.period_days,
    )

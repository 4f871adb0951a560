"""Rating: a price table and a period's usage become charges that explain themselves.

Amounts stay exact until `round_line`, the one place where a charge becomes money of an invoice
line.

Source: docs/domain/pricing.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Final

from apps.core.money import DECIMAL_CONTEXT, Money
from apps.pricing.calculator.amounts import (
    PercentageTally,
    percentage,
    tally_alike,
    tally_amounts,
)
from apps.pricing.calculator.dimensions import events_priced_by, quantity_priced_by
from apps.pricing.calculator.prices import ZERO, Component, Dimensions, PriceTable, PricingModel
from apps.pricing.calculator.quantities import QuantityRule
from apps.pricing.calculator.steps import Step, StepCode, decimal_text
from apps.pricing.calculator.tiered import graduated, graduated_percentage, volume
from apps.pricing.calculator.untiered import flat, package, per_unit
from apps.pricing.calculator.usage import NO_USAGE, Usage

QUANTITY_MODELS: Final[Mapping[PricingModel, Callable[[Component, Decimal], Iterator[Step]]]] = {
    PricingModel.PER_UNIT: per_unit,
    PricingModel.GRADUATED: graduated,
    PricingModel.VOLUME: volume,
    PricingModel.PACKAGE: package,
    PricingModel.GRADUATED_PERCENTAGE: graduated_percentage,
}


@dataclass(frozen=True, slots=True)
class Charge:
    """What one component costs in a period.

    Attributes:
        meter: key of the meter.
        model: how it was priced.
        quantity: the period's usage in priced units, before free units.
        amount: exact, in major units; the sum of the steps.
        steps: the working, in order.
        dimensions: what the priced part of the usage has in common; empty for all of it.
        raw_quantity: the usage as it came in, where the price converts it; else None.
    """

    meter: str
    model: PricingModel
    quantity: Decimal
    amount: Decimal
    steps: tuple[Step, ...]
    dimensions: Dimensions = ()
    raw_quantity: Decimal | None = None

    def explain(self) -> dict[str, object]:
        """Return the charge with its working as JSON values."""
        return {
            "meter": self.meter,
            **({"dimensions": dict(self.dimensions)} if self.dimensions else {}),
            "model": self.model.value,
            "quantity": decimal_text(self.quantity),
            **(
                {}
                if self.raw_quantity is None
                else {"raw_quantity": decimal_text(self.raw_quantity)}
            ),
            "amount_exact": decimal_text(self.amount),
            "steps": [step.to_json() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Rating:
    """The charges of one price table, one for every component, in the table's order."""

    currency: str
    charges: tuple[Charge, ...]

    @property
    def total(self) -> Money:
        """The sum of the rounded lines, which is what an invoice adds up."""
        total = Money.zero(self.currency)
        for charge in self.charges:
            total += round_line(charge, self.currency)
        return total


def rate(table: PriceTable, usage: Mapping[str, Usage]) -> Rating:
    """Price a period's usage.

    A meter without usage is priced at zero, because flat fees and minimum spends are due all the
    same. Usage of a meter that the table does not price costs nothing, and so does a part of a meter's
    usage whose dimensions no component fits.
    """
    return Rating(
        currency=table.currency,
        charges=tuple(
            rate_component(component, _usage_of(component, table, usage))
            for component in table.components
        ),
    )


def _usage_of(component: Component, table: PriceTable, usage: Mapping[str, Usage]) -> Usage:
    """Return the usage that a component prices: of a meter priced by dimension, its part."""
    whole = usage.get(component.meter, NO_USAGE)
    if whole.parts is None:
        # Nothing is known of the usage's dimensions, so only a price for all of it can apply.
        return (
            replace(NO_USAGE, billed_days=whole.billed_days, period_days=whole.period_days)
            if component.dimensions
            else whole
        )
    rivals = [rival for rival in table.components if rival.meter == component.meter]
    return replace(
        whole,
        parts=None,
        quantity=quantity_priced_by(component, rivals, whole.parts),
        event_count=events_priced_by(component, rivals, whole.parts),
    )


def rate_component(component: Component, usage: Usage) -> Charge:
    """Price the usage of one meter; the amount is never negative."""
    with localcontext(DECIMAL_CONTEXT):
        tally = _tally_of(component, usage)
        steps = list(_steps(component, usage) if tally is None else percentage(component, tally))
        amount = sum((step.amount for step in steps), ZERO)
        for step in _spend_limits(component, usage, amount):
            steps.append(step)
            amount += step.amount
        raw, rule = usage.total if tally is None else tally.raw.amount, component.conversion
        quantity = raw if rule is None else _converted_total(rule, usage)
        if tally is not None:
            quantity = tally.amount
    return Charge(
        component.meter,
        component.model,
        quantity,
        amount,
        tuple(steps),
        component.dimensions,
        None if rule is None else raw,
    )


def round_line(charge: Charge, currency: str) -> Money:
    """Round a charge to the currency's minor unit, ties away from zero. Done once, at the line."""
    return Money.from_decimal(charge.amount, currency)


def _steps(component: Component, usage: Usage) -> Iterator[Step]:
    if component.model is PricingModel.FLAT:
        yield from flat(component, usage)
    elif component.model is PricingModel.PERCENTAGE:
        yield from _steps_of_total(component, usage)
    elif usage.buckets is not None:
        for position, quantity in enumerate(usage.buckets):
            for step in _steps_of_raw(component, quantity):
                yield step._replace(bucket=position)
    else:
        yield from _steps_beyond_cap(usage)
        yield from _steps_of_raw(component, usage.total - usage.waived)


def _steps_beyond_cap(usage: Usage) -> Iterator[Step]:
    if usage.waived > 0:
        yield Step(StepCode.BEYOND_SPEND_CAP, ZERO, quantity=usage.waived)


def _tally_of(component: Component, usage: Usage) -> PercentageTally | None:
    """Return the single events of a percentage; None where it is taken of a total."""
    if component.model is not PricingModel.PERCENTAGE:
        return None
    if usage.tallies is not None and component.dimensions in usage.tallies:
        return usage.tallies[component.dimensions]
    if usage.events is not None:
        return tally_amounts(component, usage.events)
    if usage.event_count is not None and component.counts_events:
        return tally_alike(component, usage.quantity, usage.event_count)
    return None


def _steps_of_total(component: Component, usage: Usage) -> Iterator[Step]:
    """Price a lone total as one event, and a negative one as none."""
    rule, quantity = component.conversion, usage.quantity
    if quantity < 0:
        yield Step(StepCode.NEGATIVE_USAGE, ZERO, quantity=quantity)
        quantity = ZERO
    elif rule is not None:
        step = _conversion(rule, quantity)
        yield step
        quantity = step.units or ZERO
    # Converted already.
    plain = replace(component, conversion=None)
    yield from percentage(component, tally_amounts(plain, (quantity,) if quantity else ()))


def _conversion(rule: QuantityRule, raw: Decimal) -> Step:
    return Step(
        StepCode.CONVERSION,
        ZERO,
        quantity=raw,
        operation=rule.conversion.value,
        factor=rule.factor,
        rounding=rule.rounding.value,
        units=rule.convert(raw),
    )


def _converted_total(rule: QuantityRule, usage: Usage) -> Decimal:
    """Return a usage in priced units; buckets are converted each by itself, as they are priced."""
    return sum(map(rule.convert, usage.buckets or (usage.total,)), ZERO)


def _steps_of_raw(component: Component, quantity: Decimal) -> Iterator[Step]:
    """Convert one total, if the price does, and price it: negative totals count as zero, and free units come off first."""
    if quantity < 0:
        yield Step(StepCode.NEGATIVE_USAGE, ZERO, quantity=quantity)
        quantity = ZERO
    if component.conversion is not None:
        step = _conversion(component.conversion, quantity)
        yield step
        quantity = step.units or ZERO
    free = min(quantity, component.free_units)
    if free > 0:
        yield Step(StepCode.FREE_UNITS, ZERO, quantity=free)
        quantity -= free
    yield from QUANTITY_MODELS[component.model](component, quantity)


def _spend_limits(component: Component, usage: Usage, amount: Decimal) -> Iterator[Step]:
    """Top up to the minimum, prorated by days, then cut to the maximum. Percentages of refunds leave no negative amount."""
    least = component.min_spend
    if least is None and component.model is PricingModel.PERCENTAGE:
        least = ZERO
    if least is not None:
        minimum = least * usage.billed_days / usage.period_days
        if amount < minimum:
            yield Step(
                StepCode.MINIMUM_SPEND,
                minimum - amount,
                limit=least,
                billed_days=usage.billed_days,
                period_days=usage.period_days,
            )
            amount = minimum
    if component.max_spend is not None and amount > component.max_spend:
        yield Step(StepCode.MAXIMUM_SPEND, component.max_spend - amount, limit=component.max_spend)

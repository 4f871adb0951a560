"""What promotions take off a period's lines: in order, each from what is left, one of a kind, with the working.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Final

from apps.core.money import Money, allocate, currency_exponent, sum_money
from apps.pricing.calculator.prices import ZERO, Component, PriceTable, PricingModel
from apps.pricing.calculator.rating import rate, round_line
from apps.pricing.calculator.totals import (
    Discount,
    DiscountKind,
    InvoiceTotals,
    TaxableLine,
    TaxPolicy,
    total_invoice,
)
from apps.pricing.calculator.usage import NO_USAGE, Usage

# No meter's key: those are letters, digits and _.
FEES: Final = "fee:"


class ReductionKind(StrEnum):
    """How a promotion lowers a bill."""

    PERCENTAGE = "percentage"
    FIXED_AMOUNT = "fixed_amount"
    FREE_PERIODS = "free_periods"
    FREE_UNITS = "free_units"
    TIER_UPGRADE = "tier_upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """A promotion in the calculator's words.

    Attributes:
        key: by which the caller knows it.
        value: percent, an amount in major units, units, or tiers; nothing for free periods.
        meter: whose lines it lowers; None for all.
        is_exclusive: no other one lowers the same bill.
    """

    key: str
    kind: ReductionKind
    value: Decimal = ZERO
    meter: str | None = None
    is_exclusive: bool = False


@dataclass(frozen=True, slots=True)
class ReducibleLine:
    """A rounded line of a bill: its meter, and whether it is a fee of the period."""

    meter: str
    amount: Money
    is_fee: bool = False


@dataclass(frozen=True, slots=True)
class TakenOff:
    """What one promotion took off.

    Attributes:
        base: what was left of the lines that it acts on; for free units and tier upgrades, of the meter's lines.
        amount: positive, at most `base`.
        shares: of the amount, in the order of the lines given; they add up to it.
        tax: which is not due because of it; positive.
        discount: what it is for `total_invoice`; those of all promotions, in order, give the same amounts.
    """

    reduction: Reduction
    base: Money
    amount: Money
    shares: tuple[Money, ...]
    tax: Money
    discount: Discount


def take_off(
    reductions: Sequence[Reduction],
    lines: Sequence[ReducibleLine],
    *,
    table: PriceTable,
    usage: Mapping[str, Usage],
    tax_percent: Decimal = ZERO,
    tax_policy: TaxPolicy = TaxPolicy.LINE,
) -> list[TakenOff]:
    """Apply promotions, the first to apply first, to the lines of one period.

    One that takes nothing off is left out, and keeps no other from applying. `usage` is what the lines were rated with.
    """
    if not reductions:
        return []
    taxable = [TaxableLine(line.amount, tax_percent, _tags_of(line)) for line in lines]
    taken: list[TakenOff] = []
    discounts: list[Discount] = []
    before = total_invoice(taxable, currency=table.currency, tax_policy=tax_policy)
    for reduction in reductions:
        if any(_excludes(reduction, other.reduction) for other in taken):
            continue
        discount = _discount_of(reduction, table, usage)
        after = total_invoice(
            taxable,
            currency=table.currency,
            discounts=[*discounts, discount],
            tax_policy=tax_policy,
        )
        if after.discounts[-1]:
            taken.append(_taken(reduction, discount, taxable, before=before, after=after))
            discounts.append(discount)
            before = after
    return taken


def price_without(
    reduction: Reduction, table: PriceTable, usage: Mapping[str, Usage]
) -> tuple[Money, Money]:
    """Return what a meter's lines cost, and what they cost with free units or a tier upgrade; never more."""
    meter = reduction.meter or ""
    if reduction.kind is ReductionKind.FREE_UNITS:
        changed = {**usage, meter: _less(usage.get(meter, NO_USAGE), reduction.value)}
        cheaper = _cost(meter, table, changed)
    else:
        upgraded = tuple(
            _upgraded(item, int(reduction.value)) if item.meter == meter else item
            for item in table.components
        )
        cheaper = _cost(meter, PriceTable(table.currency, upgraded), usage)
    full = _cost(meter, table, usage)
    return full, min(full, cheaper)


def units_given(reduction: Reduction, usage: Mapping[str, Usage]) -> Decimal:
    """Return how many units of a meter a promotion of free units makes free: at most those that were counted."""
    if reduction.kind is not ReductionKind.FREE_UNITS:
        return ZERO
    used = usage.get(reduction.meter or "", NO_USAGE)
    return _units(used) - _units(_less(used, reduction.value))


def _excludes(one: Reduction, other: Reduction) -> bool:
    return one.kind is other.kind or one.is_exclusive or other.is_exclusive


def _discount_of(reduction: Reduction, table: PriceTable, usage: Mapping[str, Usage]) -> Discount:
    if reduction.kind is ReductionKind.PERCENTAGE:
        return Discount(DiscountKind.PERCENT, reduction.value, reduction.meter)
    if reduction.kind is ReductionKind.FREE_PERIODS:
        return Discount(DiscountKind.PERCENT, Decimal(100), FEES)
    if reduction.kind is ReductionKind.FIXED_AMOUNT:
        return Discount(DiscountKind.FIXED, reduction.value, reduction.meter)
    full, cheaper = price_without(reduction, table, usage)
    return Discount(DiscountKind.FIXED, (full - cheaper).amount, reduction.meter)


def _tags_of(line: ReducibleLine) -> frozenset[str]:
    return frozenset({line.meter, FEES} if line.is_fee else {line.meter})


def _taken(
    reduction: Reduction,
    discount: Discount,
    lines: Sequence[TaxableLine],
    *,
    before: InvoiceTotals,
    after: InvoiceTotals,
) -> TakenOff:
    amount, currency = after.discounts[-1], after.fees.currency
    left = [
        max(Fraction(0), Fraction(line.amount.amount) - Fraction(total.discount_exact))
        if discount.applies_to is None or discount.applies_to in line.tags
        else Fraction(0)
        for line, total in zip(lines, before.lines, strict=True)
    ]
    base = Money(floor(sum(left, Fraction(0)) * 10 ** currency_exponent(currency)), currency)
    weights = [_decimal(part) for part in left]
    return TakenOff(
        reduction,
        base=max(base, amount),
        amount=amount,
        shares=tuple(allocate(amount, weights)),
        tax=before.tax - after.tax,
        discount=discount,
    )


def _cost(meter: str, table: PriceTable, usage: Mapping[str, Usage]) -> Money:
    charges = (charge for charge in rate(table, usage).charges if charge.meter == meter)
    return sum_money((round_line(charge, table.currency) for charge in charges), table.currency)


def _less(usage: Usage, units: Decimal) -> Usage:
    """Return a usage without its last units. Usage that comes as amounts of events has no units to give."""
    if usage.events is not None:
        return usage
    if usage.buckets is not None:
        return replace(usage, buckets=tuple(_drop(usage.buckets, units)))
    if usage.parts is not None:
        left = _drop([part.quantity for part in usage.parts], units)
        parts = zip(usage.parts, left, strict=True)
        return replace(
            usage, parts=tuple(replace(part, quantity=quantity) for part, quantity in parts)
        )
    charged = max(ZERO, usage.quantity - usage.waived)
    return replace(usage, quantity=usage.quantity - min(units, charged))


def _units(usage: Usage) -> Decimal:
    if usage.buckets is not None:
        return sum(usage.buckets, ZERO)
    if usage.parts is not None:
        return sum((part.quantity for part in usage.parts), ZERO)
    return usage.quantity


def _drop(quantities: Sequence[Decimal], units: Decimal) -> list[Decimal]:
    """Take units off the last of several quantities first."""
    kept = []
    for quantity in reversed(quantities):
        off = min(units, max(ZERO, quantity))
        kept.append(quantity - off)
        units -= off
    return kept[::-1]


def _upgraded(component: Component, tiers_up: int) -> Component:
    """Return a component whose every tier has the unit price of a higher one."""
    if component.model not in {PricingModel.GRADUATED, PricingModel.VOLUME}:
        return component
    last = len(component.tiers) - 1
    tiers = tuple(
        replace(tier, unit_price=component.tiers[min(position + tiers_up, last)].unit_price)
        for position, tier in enumerate(component.tiers)
    )
    return replace(component, tiers=tiers)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)

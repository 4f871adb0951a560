"""From lines to a total: discounts in order, tax on what they leave.

Lines come in rounded and are never rounded again. A discount is rounded once, as a whole, and its
exact shares reduce the lines' tax bases; tax is rounded by the policy that the invoice stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Final

from apps.core.money import DECIMAL_CONTEXT, Money, currency_exponent, sum_money
from apps.pricing.calculator.bookings import percent_of
from apps.pricing.calculator.prices import ZERO

HUNDRED: Final = Decimal(100)


class DiscountKind(StrEnum):
    """How a discount is measured."""

    PERCENT = "percent"
    FIXED = "fixed"


class TaxPolicy(StrEnum):
    """Where tax is rounded."""

    LINE = "line"
    RATE = "rate"
    INVOICE = "invoice"


@dataclass(frozen=True, slots=True)
class Discount:
    """A reduction of the lines that carry a tag, or of all lines.

    Attributes:
        value: percent, or an amount in major units of the invoice's currency.
        applies_to: tag of the lines; None for all.
    """

    kind: DiscountKind
    value: Decimal
    applies_to: str | None = None


@dataclass(frozen=True, slots=True)
class TaxableLine:
    """A line before discounts and tax; negative for an adjustment."""

    amount: Money
    tax_percent: Decimal = ZERO
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LineTotal:
    """What became of a line: its exact share of the discounts, and its settled tax."""

    discount_exact: Decimal
    tax: Money


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """The sums of an invoice, and per line what they are made of.

    Attributes:
        fees: sum of the lines.
        discounts: what each discount took off, in order; positive.
        tax: tax on what is left; the sum of the lines' taxes.
        lines: in the order of the lines given.
    """

    fees: Money
    discounts: tuple[Money, ...]
    tax: Money
    lines: tuple[LineTotal, ...]

    @property
    def discount(self) -> Money:
        """All discounts together."""
        return sum_money(self.discounts, self.fees.currency)

    @property
    def subtotal(self) -> Money:
        """Fees less discounts, before tax."""
        return self.fees - self.discount

    @property
    def total(self) -> Money:
        """What is asked for."""
        return self.subtotal + self.tax


def total_invoice(
    lines: Sequence[TaxableLine],
    *,
    currency: str,
    discounts: Sequence[Discount] = (),
    tax_policy: TaxPolicy = TaxPolicy.LINE,
) -> InvoiceTotals:
    """Apply discounts in order and add tax.

    Each discount acts on what earlier ones left, never takes more than is there, and is spread over
    its lines by what is left of them.
    """
    left = [Fraction(line.amount.amount) for line in lines]
    taken = [_take_discount(discount, lines, left, currency) for discount in discounts]
    taxes = _settle_taxes(lines, left, currency, tax_policy)
    totals = tuple(
        LineTotal(_decimal(Fraction(line.amount.amount) - rest), tax)
        for line, rest, tax in zip(lines, left, taxes, strict=True)
    )
    return InvoiceTotals(
        fees=sum_money((line.amount for line in lines), currency),
        discounts=tuple(taken),
        tax=sum_money(taxes, currency),
        lines=totals,
    )


def _take_discount(
    discount: Discount, lines: Sequence[TaxableLine], left: list[Fraction], currency: str
) -> Money:
    """Take one discount off what is left of the lines it applies to, and return it."""
    reached = [
        position
        for position, line in enumerate(lines)
        if (discount.applies_to is None or discount.applies_to in line.tags) and left[position] > 0
    ]
    base = sum((left[position] for position in reached), Fraction(0))
    # Earlier discounts may have left parts of a minor unit, which nobody can take.
    available = Money(floor(base * 10 ** currency_exponent(currency)), currency)
    if discount.kind is DiscountKind.PERCENT:
        wanted = percent_of(available, min(discount.value, HUNDRED))
    else:
        wanted = Money.from_decimal(discount.value, currency)
    amount = min(wanted, available)
    for position in reached:
        left[position] -= Fraction(amount.amount) * left[position] / base
    return amount


def _settle_taxes(
    lines: Sequence[TaxableLine], left: Sequence[Fraction], currency: str, policy: TaxPolicy
) -> list[Money]:
    """Return every line's tax; the lines that the policy rounds together add up exactly."""
    groups: dict[object, list[int]] = {}
    for position, line in enumerate(lines):
        group: object = {
            TaxPolicy.LINE: position,
            TaxPolicy.RATE: line.tax_percent,
            TaxPolicy.INVOICE: None,
        }[policy]
        groups.setdefault(group, []).append(position)
    taxes = [Money.zero(currency)] * len(lines)
    for positions in groups.values():
        exact = [left[i] * Fraction(lines[i].tax_percent) / 100 for i in positions]
        for position, tax in zip(positions, _settle_group(exact, currency), strict=True):
            taxes[position] = tax
    return taxes


def _settle_group(exact: Sequence[Fraction], currency: str) -> list[Money]:
    """Round a sum once and give its units to the parts: floors, then the largest remainders."""
    total = Money.from_decimal(_decimal(sum(exact, Fraction(0))), currency).amount_minor
    scaled = [part * 10 ** currency_exponent(currency) for part in exact]
    units = [floor(part) for part in scaled]
    by_remainder = sorted(range(len(units)), key=lambda i: (units[i] - scaled[i], i))
    for position in by_remainder[: total - sum(units)]:
        units[position] += 1
    return [Money(count, currency) for count in units]


def _decimal(value: Fraction) -> Decimal:
    return DECIMAL_CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))

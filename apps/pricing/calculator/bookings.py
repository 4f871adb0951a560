"""What a rating run books when earlier runs of the same period have booked already.

The rule that never breaks: the bookings of a period add up to the rounded rating of what is known
now. An issued line is never edited; the difference is booked, and may be negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from apps.core.money import DECIMAL_CONTEXT, Money, sum_money


@dataclass(frozen=True, slots=True)
class LimitedBooking:
    """A booking after discount and spend limits; discounts stand beside the gross line.

    Attributes:
        charge: gross line, as rated.
        percent_discount: positive amount taken off by a percentage.
        max_spend_discount: positive amount taken off to stay within the maximum.
        min_spend_line: added on the final run to reach the minimum.
    """

    charge: Money
    percent_discount: Money
    max_spend_discount: Money
    min_spend_line: Money

    @property
    def total(self) -> Money:
        """What the run adds to the period."""
        return self.charge - self.percent_discount - self.max_spend_discount + self.min_spend_line


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendLimits:
    """Limits on what a period may cost; the minimum binds on the final run only."""

    min_spend: Money | None = None
    max_spend: Money | None = None
    percent_discount: Decimal = Decimal(0)


def book_difference(rated: Money, booked: Iterable[Money]) -> Money:
    """Return what is left to book; negative after a correction downwards.

    Args:
        rated: rounded rating of the cumulative usage known now.
        booked: what earlier runs of the period have booked.
    """
    return rated - sum_money(booked, rated.currency)


def limit_booking(
    charge: Money, *, net_booked_before: Money, limits: SpendLimits, is_final_run: bool
) -> LimitedBooking:
    """Apply discount, maximum and minimum to one run's charge."""
    zero = Money.zero(charge.currency)
    discount = percent_of(charge, min(limits.percent_discount, Decimal(100)))
    net = charge - discount
    over = zero
    if limits.max_spend is not None:
        over = max(zero, net_booked_before + net - limits.max_spend)
    top_up = zero
    if is_final_run and limits.min_spend is not None:
        top_up = max(zero, limits.min_spend - (net_booked_before + net - over))
    return LimitedBooking(charge, discount, over, top_up)


def percent_of(amount: Money, percent: Decimal) -> Money:
    """Return a percentage of a settled amount, rounded to the minor unit, ties away from zero."""
    with localcontext(DECIMAL_CONTEXT):
        return Money.from_decimal(amount.amount * percent / 100, amount.currency)


def left_in_free_pool(free_units: Decimal, *, used_before: Decimal, quantity: Decimal) -> Decimal:
    """Return how many of these units are free after what earlier runs of the period took."""
    return max(Decimal(0), min(quantity, free_units - used_before))

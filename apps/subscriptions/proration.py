"""Proration: the part of a fee that belongs to a part of a period.

The denominator is always the whole period, however short the service was. Fees are prorated by
local days ("17 of 31 days"), so that the line can be checked with a calendar; usage is never
prorated. Shares are fractions; money appears when a line is rounded.

Source: docs/domain/periods.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from fractions import Fraction
from typing import Final

from apps.core.clock import Period
from apps.core.money import DECIMAL_CONTEXT, Money
from apps.subscriptions.periods import first_day, local_date

MONTHS_PER_YEAR: Final = 12
DAYS_PER_FIXED_MONTH: Final = 30


class DayBasis(StrEnum):
    """How the days of a range are counted."""

    ACTUAL = "actual"
    FIXED_30 = "fixed_30"


@dataclass(frozen=True, slots=True, order=True)
class DayRange:
    """Local days from `first` (included) to `end` (not included)."""

    first: date
    end: date

    @classmethod
    def of(cls, period: Period, timezone: str) -> DayRange:
        """Return the local days of a period."""
        return cls(first_day(period, timezone), local_date(period.end, timezone))

    @property
    def days(self) -> int:
        """Number of days; zero when the range is empty or reversed."""
        return max(0, (self.end - self.first).days)

    def overlap(self, other: DayRange) -> DayRange:
        """Return the days that both ranges have."""
        return DayRange(max(self.first, other.first), min(self.end, other.end))


@dataclass(frozen=True, slots=True)
class DayShare:
    """A part of a period in days, as the invoice line prints it."""

    billed_days: int
    period_days: int

    @property
    def fraction(self) -> Fraction:
        """The share as a number; a period without days counts in full."""
        return Fraction(self.billed_days, self.period_days) if self.period_days else Fraction(1)


@dataclass(frozen=True, slots=True)
class PlanChange:
    """The two lines of a plan change in mid-period; each is rounded, the net is their sum.

    Attributes:
        credit: negative or zero: the unused part of the old plan.
        charge: the same part of the new plan.
    """

    credit: Money
    charge: Money

    @property
    def net(self) -> Money:
        """What the change costs; negative when money goes back."""
        return self.credit + self.charge


def share_of_days(
    period: DayRange, service: DayRange, *, trial: DayRange | None = None
) -> DayShare:
    """Return how many days of a period are billed: days of service that are not days of trial.

    A trial takes days from the numerator only.
    """
    billed = period.overlap(service)
    free = billed.overlap(trial).days if trial is not None else 0
    return DayShare(billed.days - free, period.days)


def share_of_time(period: Period, service: Period) -> Fraction:
    """Return the share of a period by elapsed time, never above one."""
    elapsed = min(period.end, service.end) - max(period.start, service.start)
    microseconds = _microseconds_of(elapsed.days, elapsed.seconds, elapsed.microseconds)
    whole = period.duration
    share = Fraction(microseconds, _microseconds_of(whole.days, whole.seconds, whole.microseconds))
    return max(Fraction(0), min(Fraction(1), share))


def proration_fraction(period: DayRange, service: DayRange, basis: DayBasis) -> Fraction:
    """Return service over period in days; above one when the service is longer."""
    if basis is DayBasis.ACTUAL:
        return Fraction(service.days, period.days)
    return Fraction(_fixed_30_days(service), _fixed_30_days(period))


def prorate(amount: Decimal, share: Fraction) -> Decimal:
    """Return the exact share of an amount, to 60 digits; round it at the line."""
    with localcontext(DECIMAL_CONTEXT):
        return amount * share.numerator / share.denominator


def prorate_money(amount: Money, share: Fraction) -> Money:
    """Return the share of a settled amount, rounded to the minor unit, ties away from zero."""
    return Money.from_decimal(prorate(amount.amount, share), amount.currency)


def price_plan_change(old_fee: Money, new_fee: Money, unused: Fraction) -> PlanChange:
    """Price a change of plan: give back the unused part of the old fee, charge it of the new one.

    Args:
        old_fee: fee of the whole period on the old plan.
        new_fee: fee of the whole period on the new plan.
        unused: share of the period from the change on; the day of the change belongs to the new
            plan.
    """
    return PlanChange(credit=-prorate_money(old_fee, unused), charge=prorate_money(new_fee, unused))


def cap_credit(potential: Money, *, paid: Money, credited_before: Money) -> Money:
    """Return the credit that may be given: at most what is left of what was paid."""
    zero = Money.zero(potential.currency)
    return max(zero, min(potential, paid - credited_before))


def _fixed_30_days(days: DayRange) -> int:
    months = (days.end.year - days.first.year) * MONTHS_PER_YEAR + days.end.month - days.first.month
    return months * DAYS_PER_FIXED_MONTH + days.end.day - days.first.day


def _microseconds_of(days: int, seconds: int, microseconds: int) -> int:
    return (days * 86_400 + seconds) * 1_000_000 + microseconds

"""What is subscribed to, and which of two offers is the greater one.

Plans of different intervals are compared by the fees of a year. Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from apps.core.clock import Period
from apps.pricing.enums import Alignment, PriceModel
from apps.pricing.models import PriceComponent, PriceVersion
from apps.subscriptions.enums import ChangeDirection, ChangeTiming
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import (
    DAYS_PER_UNIT,
    MONTHS_PER_UNIT,
    MONTHS_PER_YEAR,
    Interval,
    IntervalUnit,
    billing_period_at,
    calendar_anchor,
    start_of_day,
)

DAYS_PER_YEAR: Final = 365


@dataclass(frozen=True, slots=True)
class Terms:
    """What is subscribed to: a price version, and how many units of it."""

    version: PriceVersion
    quantity: int

    @property
    def quota_calls(self) -> int | None:
        """Calls included in a period; None without a quota."""
        limit = self.version.quota_calls
        return None if limit is None else limit * self.quantity


def terms_of(subscription: Subscription) -> Terms:
    """Return what a subscription is on now."""
    return Terms(subscription.price_version, subscription.quantity)


def fees_of(terms: Terms) -> Decimal:
    """Return the fixed fees of a whole period, in major units. One query unless components are prefetched."""
    fees = (row.flat_fee or Decimal(0) for row in flat_components(terms.version))
    return sum(fees, Decimal(0)) * terms.quantity


def yearly_fees_of(terms: Terms) -> Fraction:
    """Return the fixed fees of a year, so that plans of different intervals can be compared."""
    interval = _interval_of(terms.version)
    if interval.unit in DAYS_PER_UNIT:
        periods = Fraction(DAYS_PER_YEAR, DAYS_PER_UNIT[interval.unit] * interval.count)
    else:
        periods = Fraction(MONTHS_PER_YEAR, MONTHS_PER_UNIT[interval.unit] * interval.count)
    return Fraction(fees_of(terms)) * periods


def direction_of(old: Terms, new: Terms) -> ChangeDirection:
    """Say whether a change costs more or less per year."""
    before, after = yearly_fees_of(old), yearly_fees_of(new)
    if after == before:
        return ChangeDirection.LATERAL
    return ChangeDirection.UPGRADE if after > before else ChangeDirection.DOWNGRADE


def default_timing(old: Terms, new: Terms) -> ChangeTiming:
    """Return when a change takes effect unless its consumer says otherwise.

    What costs less waits for the period's end, and so does a shorter interval: its longer period is paid for, often at a
    better price.
    """
    is_shorter = _approximate_days(new.version) < _approximate_days(old.version)
    if is_shorter or direction_of(old, new) == ChangeDirection.DOWNGRADE:
        return ChangeTiming.PERIOD_END
    return ChangeTiming.NOW


def flat_components(version: PriceVersion) -> list[PriceComponent]:
    """Return the fees of a version. One query unless components are prefetched."""
    return [row for row in version.components.all() if row.model == PriceModel.FLAT]


def _approximate_days(version: PriceVersion) -> Fraction:
    """Return about how long an interval is, to tell the longer of two."""
    interval = _interval_of(version)
    if interval.unit in DAYS_PER_UNIT:
        return Fraction(DAYS_PER_UNIT[interval.unit] * interval.count)
    return Fraction(
        DAYS_PER_YEAR * MONTHS_PER_UNIT[interval.unit] * interval.count, MONTHS_PER_YEAR
    )


def schedule_of(version: PriceVersion) -> tuple[Interval, str]:
    """Return how a version counts periods: where two differ, a change between them begins a new period."""
    return _interval_of(version), version.alignment


def first_period(version: PriceVersion, day: date, timezone: str) -> Period:
    """Return the whole period of a version that holds a day on which it begins to count."""
    interval = _interval_of(version)
    is_calendar = version.alignment == Alignment.CALENDAR
    anchor = calendar_anchor(day, interval.unit) if is_calendar else day
    return billing_period_at(anchor, interval, at=start_of_day(day, timezone), timezone=timezone)


def _interval_of(version: PriceVersion) -> Interval:
    return Interval(IntervalUnit(version.interval), version.interval_count)

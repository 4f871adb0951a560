"""What was used: the other half of the calculator's input.

Source: docs/domain/pricing.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from apps.pricing.calculator.amounts import PercentageTally
from apps.pricing.calculator.prices import ZERO, Dimensions


@dataclass(frozen=True, slots=True)
class UsagePart:
    """A part of a meter's quantity, and what its events had in common."""

    dimensions: Dimensions
    quantity: Decimal
    event_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a period's usage of one meter was.

    Attributes:
        quantity: total of the period; negative totals are priced as zero.
        events: amounts of single events in chronological order (time, then id), for percentages;
            takes the place of `quantity`.
        event_count: how many events `quantity` is the total of; percentages per event then take all of them for
            equally large. None: it counts as one event.
        tallies: the single events as each percentage of the meter charges them, by its dimensions; goes before the
            other forms, which say what the meter's other prices count.
        parts: the quantity split by dimensions, for prices that differ by them; takes the place of `quantity`.
        buckets: totals of parts of the period (days, regions) that are priced each by itself and
            then added; takes the place of `quantity`.
        waived: units of the quantity that are not charged, such as those beyond a spend cap; they come off before
            anything else, free units included.
        billed_days: days of service in the period, of `period_days`; scales a flat fee and a
            minimum spend, never the usage, the tiers or the free units.
    """

    quantity: Decimal = ZERO
    events: tuple[Decimal, ...] | None = None
    event_count: int | None = None
    tallies: Mapping[Dimensions, PercentageTally] | None = None
    buckets: tuple[Decimal, ...] | None = None
    parts: tuple[UsagePart, ...] | None = None
    waived: Decimal = ZERO
    billed_days: int = 1
    period_days: int = 1

    def __post_init__(self) -> None:
        """Refuse shares of a period that are not shares, and two forms of usage at once."""
        if not 0 <= self.billed_days <= self.period_days or self.period_days == 0:
            raise ValueError(
                f"{self.billed_days} of {self.period_days} days is no share of a period"
            )
        forms = (self.events, self.buckets, self.parts)
        if sum(form is not None for form in forms) > 1:
            raise ValueError("usage is either a list of events, of buckets, or of parts")

    @property
    def total(self) -> Decimal:
        """The period's quantity, whatever form it came in."""
        if self.events is not None:
            return sum(self.events, ZERO)
        if self.buckets is not None:
            return sum(self.buckets, ZERO)
        if self.parts is not None:
            return sum((part.quantity for part in self.parts), ZERO)
        return self.quantity


NO_USAGE: Final = Usage()

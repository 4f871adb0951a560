"""Percentages of single events: each amount is charged by itself, and amounts charged alike are added up.

A tally takes amounts one after the other, oldest first, and keeps eight numbers, however many events there were. So a
period's events are read once and never held.

Source: docs/domain/pricing.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal, localcontext

from apps.core.money import DECIMAL_CONTEXT
from apps.pricing.calculator.prices import ZERO, Component, EventTally
from apps.pricing.calculator.steps import HUNDRED, Step, StepCode


@dataclass(slots=True)
class PercentageTally:
    """What the events of one component come to, told apart by how each is charged. Amounts are in priced units."""

    component: Component
    free: EventTally = field(default_factory=EventTally)
    rated: EventTally = field(default_factory=EventTally)
    at_minimum: EventTally = field(default_factory=EventTally)
    at_maximum: EventTally = field(default_factory=EventTally)
    raw: EventTally = field(default_factory=EventTally)

    @property
    def amount(self) -> Decimal:
        """All amounts together, free ones included."""
        return (
            self.free.amount + self.rated.amount + self.at_minimum.amount + self.at_maximum.amount
        )

    def add(self, raw: Decimal) -> None:
        """Add the amount of the next event, oldest first; the component's conversion acts on it by itself.

        The event that reaches or crosses `free_amount` pays for what lies beyond it, and pays the fixed fee.
        """
        component = self.component
        amount = raw if component.conversion is None else component.conversion.convert(raw)
        before = self.amount
        self.raw.add(raw)
        free_part = ZERO
        if self._is_in_pool():
            if component.free_amount is None or before + amount < component.free_amount:
                self.free.add(amount)
                return
            free_part = max(ZERO, component.free_amount - before)
        self.free.amount += free_part
        self._charge(amount - free_part)

    def add_alike(self, total: Decimal, events: int) -> None:
        """Add events of which only their number and total are known, as if each had the same amount."""
        component = self.component
        amount = total if component.conversion is None else component.conversion.convert(total)
        self.raw.add(total, events)
        free, free_part = self._free_of_alike(amount, events)
        self.free.add(amount * free / events if free else ZERO, free)
        charged = amount - self.free.amount
        if free_part:  # the event that crosses the free amount
            share = amount / events - free_part
            self.free.amount += free_part
            self._charge(share)
            charged, events = charged - free_part - share, events - 1
        if events > free:
            self._charge(charged, events - free)

    def _is_in_pool(self) -> bool:
        """Whether the event that was just counted may be free, if the free amount is not used up."""
        component = self.component
        if component.free_events is None:
            return component.free_amount is not None
        return self.raw.events <= component.free_events

    def _free_of_alike(self, amount: Decimal, events: int) -> tuple[int, Decimal]:
        """Return how many of equal events are free, and the free part of the one after them."""
        component = self.component
        if component.free_events is None and component.free_amount is None:
            return 0, ZERO
        most = events if component.free_events is None else min(component.free_events, events)
        limit = component.free_amount
        if limit is None or (amount <= 0 and limit > 0):
            return most, ZERO
        if amount <= 0:
            return 0, ZERO
        within = int((limit * events / amount).to_integral_value(ROUND_CEILING)) - 1
        free = min(most, max(0, within))
        return free, max(ZERO, limit - amount * free / events) if free < most else ZERO

    def _charge(self, amount: Decimal, events: int = 1) -> None:
        """Charge events of one amount each, `amount` together."""
        component = self.component
        charge = amount / events * component.rate_percent / HUNDRED + component.fixed_fee
        if component.min_per_event is not None and charge < component.min_per_event:
            self.at_minimum.add(amount, events)
        elif component.max_per_event is not None and charge > component.max_per_event:
            self.at_maximum.add(amount, events)
        else:
            self.rated.add(amount, events)


def tally_amounts(component: Component, amounts: Iterable[Decimal]) -> PercentageTally:
    """Tally amounts of events in raw units, oldest first."""
    tally = PercentageTally(component)
    with localcontext(DECIMAL_CONTEXT):
        for amount in amounts:
            tally.add(amount)
    return tally


def tally_alike(component: Component, total: Decimal, events: int) -> PercentageTally:
    """Tally events of which only their number and total are known, as if each had the same amount.

    That is exact where nothing depends on a single amount: `Component.needs_amounts` is false.
    """
    tally = PercentageTally(component)
    if events:
        with localcontext(DECIMAL_CONTEXT):
            tally.add_alike(total, events)
    return tally


def percentage(component: Component, tally: PercentageTally) -> Iterator[Step]:
    """Take a percentage of every event beyond the free pool, plus a fee per charged event.

    Events that are clamped to the minimum or maximum are told apart.
    """
    free, rated = tally.free, tally.rated
    if free.events or free.amount:
        yield Step(StepCode.FREE_EVENTS, ZERO, quantity=free.amount, events=free.events)
    if rated.events or not tally.raw.events:
        yield Step(
            StepCode.PERCENT,
            rated.amount * component.rate_percent / HUNDRED,
            quantity=rated.amount,
            rate_percent=component.rate_percent,
            events=rated.events,
        )
    if rated.events and component.fixed_fee:
        yield _per_event(StepCode.FIXED_FEE, rated.events, component.fixed_fee)
    if tally.at_minimum.events:
        yield _per_event(
            StepCode.EVENT_MINIMUM, tally.at_minimum.events, component.min_per_event or ZERO
        )
    if tally.at_maximum.events:
        yield _per_event(
            StepCode.EVENT_MAXIMUM, tally.at_maximum.events, component.max_per_event or ZERO
        )


def _per_event(code: StepCode, events: int, price: Decimal) -> Step:
    return Step(code, events * price, quantity=Decimal(events), unit_price=price, events=events)

"""Models without tiers: per unit, package, flat, and percentage of single events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from apps.pricing.calculator.prices import ZERO, Component, PackageRounding, Usage
from apps.pricing.calculator.steps import HUNDRED, Step, StepCode
from apps.pricing.calculator.tiered import started_packages


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


@dataclass(slots=True)
class _Tally:
    """A number of events and the money they were about."""

    events: int = 0
    amount: Decimal = ZERO

    def add(self, amount: Decimal) -> None:
        self.events += 1
        self.amount += amount


def percentage(component: Component, events: tuple[Decimal, ...]) -> Iterator[Step]:
    """Take a percentage of every event beyond the free pool, plus a fee per charged event.

    The event that reaches or crosses `free_amount` pays for what lies beyond it, and pays the
    fixed fee. Events that are clamped to the minimum or maximum are told apart, so that the steps
    stay few however many events there were.
    """
    free, rated, at_minimum, at_maximum = _Tally(), _Tally(), _Tally(), _Tally()
    for is_free, amount, free_part in _chargeable_parts(component, events):
        if is_free:
            free.add(amount)
            continue
        free.amount += free_part
        charge = amount * component.rate_percent / HUNDRED + component.fixed_fee
        if component.min_per_event is not None and charge < component.min_per_event:
            at_minimum.add(amount)
        elif component.max_per_event is not None and charge > component.max_per_event:
            at_maximum.add(amount)
        else:
            rated.add(amount)
    if free.events or free.amount:
        yield Step(StepCode.FREE_EVENTS, ZERO, quantity=free.amount, events=free.events)
    if rated.events or not events:
        yield Step(
            StepCode.PERCENT,
            rated.amount * component.rate_percent / HUNDRED,
            quantity=rated.amount,
            rate_percent=component.rate_percent,
            events=rated.events,
        )
    if rated.events and component.fixed_fee:
        yield _per_event(StepCode.FIXED_FEE, rated.events, component.fixed_fee)
    if at_minimum.events:
        yield _per_event(StepCode.EVENT_MINIMUM, at_minimum.events, component.min_per_event)
    if at_maximum.events:
        yield _per_event(StepCode.EVENT_MAXIMUM, at_maximum.events, component.max_per_event)


def _chargeable_parts(
    component: Component, events: tuple[Decimal, ...]
) -> Iterator[tuple[bool, Decimal, Decimal]]:
    """Yield for every event: is it free, the amount that counts, and the free part beside it."""
    has_pool = component.free_events is not None or component.free_amount is not None
    running = ZERO
    for count, amount in enumerate(events, start=1):
        before, running = running, running + amount
        within_count = component.free_events is None or count <= component.free_events
        if not has_pool or not within_count:
            yield False, amount, ZERO
        elif component.free_amount is None or running < component.free_amount:
            yield True, amount, ZERO
        else:
            left_in_pool = max(ZERO, component.free_amount - before)
            yield False, amount - left_in_pool, left_in_pool


def _per_event(code: StepCode, events: int, price: Decimal | None) -> Step:
    unit_price = price or ZERO
    return Step(
        code,
        events * unit_price,
        quantity=Decimal(events),
        unit_price=unit_price,
        events=events,
    )

"""Lines of a graduated price in four tiers, rated with every step, on one processor.

Beside it stands what this machine can do at best: the same multiplications and sums of `Decimal`, without steps, names
or checks, in the same run. The rate is of processor time, so that others who use the machine do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from statistics import median
from typing import Final, TypeVar

from apps.core.money import DECIMAL_CONTEXT
from apps.pricing.calculator import (
    Component,
    PricingModel,
    Tier,
    Usage,
    rate_component,
    recompute,
    round_line,
)
from benchmarks.results import Measure

Item = TypeVar("Item")
GOAL: Final = 30_000
ROUNDS: Final = 7
TIERS: Final = (
    (Decimal(1_000), Decimal("0.001"), Decimal(0)),
    (Decimal(10_000), Decimal("0.0008"), Decimal(5)),
    (Decimal(100_000), Decimal("0.0005"), Decimal(25)),
    (None, Decimal("0.0003"), Decimal(100)),
)
CALLS: Final = Component(
    meter="calls",
    model=PricingModel.GRADUATED,
    tiers=tuple(Tier(up_to=up_to, unit_price=price, flat_fee=fee) for up_to, price, fee in TIERS),
)
# As many in each tier; those of the last one touch all four.
QUANTITIES: Final = tuple(
    Decimal(base + number)
    for number in range(2_500)
    for base in (number % 900, 1_001 + number, 10_001 + 30 * number, 100_001 + 90 * number)
)


def measure() -> list[Measure]:
    """Rate, write down and recompute lines; and do the bare arithmetic."""
    usages = [Usage(quantity=quantity) for quantity in QUANTITIES]
    charges = [rate_component(CALLS, usage) for usage in usages]
    bare = _rate_of(_price_bare, QUANTITIES)
    rated = _rate_of(lambda usage: round_line(rate_component(CALLS, usage), "USD"), usages)
    explained = _rate_of(lambda charge: charge.explain(), charges)
    proven = _rate_of(lambda charge: recompute(charge.steps), charges)
    note = f"{rated / bare:.0%} of the bare arithmetic"
    return [
        Measure("bare Decimal arithmetic of four tiers", bare, "lines/s"),
        Measure("lines rated with their steps", rated, "lines/s", goal=GOAL, note=note),
        Measure("lines written as JSON", explained, "lines/s"),
        Measure("lines recomputed from their steps", proven, "lines/s"),
    ]


def _rate_of(work: Callable[[Item], object], items: Sequence[Item]) -> float:
    """Return how many items a second of processor time does: the median of some rounds."""
    rates = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for item in items:
            work(item)
        rates.append(len(items) / (time.process_time() - started))
    return median(rates)


def _price_bare(quantity: Decimal) -> Decimal:
    with localcontext(DECIMAL_CONTEXT):
        total, lower = Decimal(0), Decimal(0)
        for up_to, price, fee in TIERS:
            if up_to is None or quantity <= up_to:
                return total + (quantity - lower) * price + fee
            total += (up_to - lower) * price + fee
            lower = up_to
    return total

"""Percentages of single events: tallied one after the other, or from sum and number alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pricing.calculator import (
    Charge,
    Component,
    Conversion,
    PriceTable,
    PricingModel,
    QuantityRounding,
    QuantityRule,
    Usage,
    UsagePart,
    rate,
    rate_component,
    recompute,
    tally_amounts,
)

CARD = Component(
    meter="payments",
    model=PricingModel.PERCENTAGE,
    rate_percent=Decimal("1.5"),
    fixed_fee=Decimal("0.30"),
)
BOUNDED = replace(CARD, free_events=1, min_per_event=Decimal("0.50"), max_per_event=Decimal(5))
PAYMENTS = tuple(map(Decimal, (10, 4, 100, 1000)))
small = st.integers(0, 400).map(lambda cents: Decimal(cents) / 100)


def amount_of(component: Component, **usage: object) -> Charge:
    charge = rate_component(component, Usage(**usage))  # type: ignore[arg-type]  # fields by name
    assert recompute(charge.steps) == charge.amount
    return charge


def test_each_event_is_charged_by_itself_in_a_handful_of_steps() -> None:
    charge = amount_of(BOUNDED, events=PAYMENTS)
    guessed = amount_of(BOUNDED, quantity=Decimal(1114), event_count=4)

    assert charge.amount == Decimal("7.30")
    assert [step.formula for step in charge.steps] == [
        "10 × 0 = 0",
        "100 × 1.5 % = 1.5",
        "1 × 0.3 = 0.3",
        "1 × 0.5 = 0.5",
        "1 × 5 = 5",
    ]
    assert guessed.amount == Decimal("13.4325")


def test_sum_and_number_say_everything_of_a_rate_and_a_fee() -> None:
    known = amount_of(CARD, events=PAYMENTS)
    summed = amount_of(CARD, quantity=sum(PAYMENTS, Decimal(0)), event_count=4)

    assert known.steps == summed.steps
    assert known.amount == Decimal("17.91")  # 1 114 at 1.5 percent, and four fees
    assert [CARD.counts_events, CARD.needs_amounts, BOUNDED.needs_amounts] == [True, False, True]
    assert not replace(CARD, fixed_fee=Decimal(0), free_amount=Decimal(5)).counts_events


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ((), "0"),
        (("-50",), "0"),  # a refund alone gives back 0.75 and costs a fee of 0.30
        (("100", "-50"), "1.35"),  # 50 at 1.5 percent and two fees
    ],
)
def test_refunds_give_their_percentage_back_and_never_more(
    amounts: tuple[str, ...], expected: str
) -> None:
    assert amount_of(CARD, events=tuple(map(Decimal, amounts))).amount == Decimal(expected)


def test_conversion_acts_on_each_amount() -> None:
    cents = QuantityRule(Conversion.DIVIDE, Decimal(100), QuantityRounding.CEILING)
    component = replace(CARD, rate_percent=Decimal(10), conversion=cents)

    charge = amount_of(component, events=(Decimal(150), Decimal(50)))

    assert component.needs_amounts
    assert [charge.quantity, charge.raw_quantity] == [3, 200]  # 2 and 1, not 2
    assert charge.amount == Decimal("0.90")


def test_parts_of_a_meter_know_their_own_events() -> None:
    europe = replace(CARD, dimensions=(("region", "eu"),))
    table = PriceTable("USD", (europe, replace(CARD, fixed_fee=Decimal(1))))
    parts = tuple(
        UsagePart((("region", region),), Decimal(amount), count)
        for region, amount, count in [("eu", 100, 3), ("us", 200, 2), ("asia", 10, 5)]
    )

    charges = rate(table, {"payments": Usage(parts=parts)}).charges

    # 100 at 1.5 percent and 3 fees of 0.30; 210 at 1.5 percent and 7 fees of 1.
    assert [charge.amount for charge in charges] == [Decimal("2.40"), Decimal("10.15")]


@given(
    amount=small,
    count=st.integers(1, 30),
    pool=st.tuples(st.none() | st.integers(0, 9), st.none() | small),
    bounds=st.tuples(st.none() | st.just(Decimal("0.35")), st.none() | st.just(Decimal("0.33"))),
)
def test_equal_events_cost_the_same_one_by_one_and_by_number(
    amount: Decimal,
    count: int,
    pool: tuple[int | None, Decimal | None],
    bounds: tuple[Decimal | None, Decimal | None],
) -> None:
    least, most = bounds
    component = replace(
        CARD,
        free_events=pool[0],
        free_amount=pool[1],
        min_per_event=None if most is not None else least,
        max_per_event=most,
    )
    one_by_one = rate_component(component, Usage(events=(amount,) * count))
    by_number = rate_component(component, Usage(quantity=amount * count, event_count=count))

    assert abs(one_by_one.amount - by_number.amount) < Decimal("1e-40")
    assert recompute(by_number.steps) == by_number.amount


@given(st.lists(small, max_size=12))
def test_tally_holds_every_event_and_all_of_its_amount(amounts: list[Decimal]) -> None:
    component = replace(BOUNDED, free_amount=Decimal(5), free_events=3)
    tally = tally_amounts(component, amounts)

    kinds = (tally.free, tally.rated, tally.at_minimum, tally.at_maximum)
    assert sum(kind.events for kind in kinds) == tally.raw.events == len(amounts)
    assert tally.amount == tally.raw.amount == sum(amounts)

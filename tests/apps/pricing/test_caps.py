"""The spend cap as a number of calls, against the calculator asked for every number."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import Money
from apps.pricing.calculator import (
    Component,
    Conversion,
    PackageRounding,
    PriceTable,
    PricingModel,
    QuantityRounding,
    QuantityRule,
    StepCode,
    Tier,
    Usage,
    price_of,
    rate_component,
    recompute,
    units_within,
)

BASE = Component(meter="base_fee", model=PricingModel.FLAT, unit_price=Decimal(9))
prices = st.decimals(min_value=0, max_value=2, places=3)
fees = st.sampled_from([Decimal(0), Decimal(0), Decimal("0.5"), Decimal(7)])


def table_of(*components: Component, currency: str = "USD") -> PriceTable:
    return PriceTable(currency, components)


def brute_force(table: PriceTable, cap: Money, *, until: int) -> int:
    """Ask for every number of calls, from none; -1 where even none costs more."""
    for calls in range(until + 1):
        if cap < price_of(table, "calls", calls):
            return calls - 1
    return until


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Tier, ...]:
    steps = draw(st.lists(st.integers(min_value=1, max_value=40), min_size=0, max_size=4))
    bounds: list[Decimal | None] = [Decimal(sum(steps[: n + 1])) for n in range(len(steps))]
    return tuple(
        Tier(up_to=bound, unit_price=draw(prices), flat_fee=draw(fees)) for bound in [*bounds, None]
    )


@st.composite
def tables(draw: st.DrawFn) -> PriceTable:
    model = draw(
        st.sampled_from(
            [
                PricingModel.GRADUATED,
                PricingModel.VOLUME,
                PricingModel.PACKAGE,
                PricingModel.PER_UNIT,
            ]
        )
    )
    is_tiered = model in {PricingModel.GRADUATED, PricingModel.VOLUME}
    component = Component(
        meter="calls",
        model=model,
        unit_price=draw(prices),
        tiers=draw(ladders()) if is_tiered else (),
        free_units=Decimal(draw(st.integers(min_value=0, max_value=30))),
        package_size=Decimal(draw(st.integers(min_value=1, max_value=25))),
        package_price=draw(prices),
        package_rounding=draw(st.sampled_from(PackageRounding)),
        conversion=draw(
            st.none()
            | st.builds(
                QuantityRule,
                st.sampled_from(Conversion),
                st.sampled_from([Decimal("0.3"), Decimal(2), Decimal(7)]),
                st.sampled_from(QuantityRounding),
            )
        ),
        max_spend=draw(st.sampled_from([None, None, Decimal(20)])),
        min_spend=draw(st.sampled_from([None, None, Decimal(3)])),
    )
    currency = draw(st.sampled_from(["USD", "JPY", "KWD"]))
    return table_of(*([BASE] if draw(st.booleans()) else []), component, currency=currency)


@given(tables(), st.decimals(min_value=0, max_value=60, places=2))
def test_is_the_last_number_before_the_first_that_costs_more(
    table: PriceTable, cap: Decimal
) -> None:
    money = Money.from_decimal(cap, table.currency)
    found = units_within(table, "calls", money)
    expected = brute_force(table, money, until=400)
    if expected == 400:
        assert found is None or found >= 400
    else:
        assert found == max(0, expected)


def test_volume_stops_at_the_costly_stretch_though_a_later_one_is_cheap() -> None:
    calls = Component(
        meter="calls",
        model=PricingModel.VOLUME,
        tiers=(
            Tier(up_to=Decimal(100), unit_price=Decimal("0.10")),
            Tier(up_to=None, unit_price=Decimal("0.01")),
        ),
    )
    table = table_of(calls)
    assert price_of(table, "calls", 100) == Money(1000, "USD")
    assert price_of(table, "calls", 101) == Money(101, "USD")
    assert units_within(table, "calls", Money(500, "USD")) == 50
    assert units_within(table, "calls", Money(1000, "USD")) == 1000


def test_fees_that_are_due_anyway_leave_less_for_calls() -> None:
    calls = Component(meter="calls", model=PricingModel.PER_UNIT, unit_price=Decimal("0.01"))
    table = table_of(BASE, calls)
    assert units_within(table, "calls", Money(1000, "USD")) == 100
    assert units_within(table, "calls", Money(899, "USD")) == 0


@pytest.mark.parametrize(
    "table", [table_of(BASE), table_of(Component(meter="calls", model=PricingModel.PER_UNIT))]
)
def test_calls_that_cost_nothing_reach_no_cap(table: PriceTable) -> None:
    assert units_within(table, "calls", Money(900, "USD")) is None


def test_waived_units_are_in_the_quantity_and_cost_nothing() -> None:
    calls = Component(
        meter="calls",
        model=PricingModel.PER_UNIT,
        unit_price=Decimal("0.01"),
        free_units=Decimal(10),
    )
    charge = rate_component(calls, Usage(quantity=Decimal(60), waived=Decimal(20)))
    assert (charge.quantity, charge.amount) == (Decimal(60), Decimal("0.30"))
    assert [(step.code, step.quantity) for step in charge.steps] == [
        (StepCode.BEYOND_SPEND_CAP, Decimal(20)),
        (StepCode.FREE_UNITS, Decimal(10)),
        (StepCode.UNITS, Decimal(30)),
    ]
    assert recompute(charge.steps) == charge.amount

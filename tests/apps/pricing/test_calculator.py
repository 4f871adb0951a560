"""Laws of the calculator, and the working that it shows."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import Money, sum_money
from apps.pricing.calculator import (
    Component,
    Conversion,
    PackageRounding,
    PriceTable,
    PricingModel,
    QuantityRounding,
    QuantityRule,
    Step,
    StepCode,
    StepMismatchError,
    Tier,
    Usage,
    UsagePart,
    book_difference,
    rate,
    rate_component,
    recompute,
    round_line,
)
from apps.pricing.enums import PriceModel

CALLS = Component(
    meter="calls",
    model=PricingModel.GRADUATED,
    tiers=(
        Tier(up_to=Decimal(1000)),
        Tier(up_to=Decimal(5000), unit_price=Decimal("0.01")),
        Tier(up_to=None, unit_price=Decimal("0.005"), flat_fee=Decimal(3)),
    ),
)

quantities = st.decimals(min_value=0, max_value=10**9, places=3)
prices = st.decimals(min_value=0, max_value=10**4, places=12)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Any ladder that may be sold: rising bounds, an open end, no negative price."""
    bounds = sorted(draw(st.sets(st.integers(min_value=1, max_value=10**6), max_size=5)))
    return tuple(
        Tier(
            up_to=None if bound is None else Decimal(bound),
            unit_price=draw(prices),
            flat_fee=draw(prices),
            package_size=draw(st.none() | st.integers(1, 1000).map(Decimal)),
            rate_percent=draw(st.decimals(min_value=0, max_value=100, places=4)),
        )
        for bound in (*bounds, None)
    )


conversions = st.builds(
    QuantityRule,
    st.sampled_from(Conversion),
    st.decimals(min_value="0.001", max_value=10**4, places=3),
    st.sampled_from(QuantityRounding),
)


@st.composite
def components(draw: st.DrawFn) -> Component:
    return Component(
        meter="m",
        conversion=draw(st.none() | conversions),
        model=draw(st.sampled_from(PricingModel)),
        tiers=draw(ladders()),
        unit_price=draw(prices),
        free_units=draw(quantities),
        package_size=draw(st.integers(1, 1000).map(Decimal)),
        package_price=draw(prices),
        package_rounding=draw(st.sampled_from(PackageRounding)),
        rate_percent=draw(st.decimals(min_value=0, max_value=100, places=4)),
        fixed_fee=draw(prices),
        free_events=draw(st.none() | st.integers(0, 5)),
        free_amount=draw(st.none() | quantities),
        min_per_event=draw(st.none() | prices),
        min_spend=draw(st.none() | prices),
        max_spend=draw(st.none() | prices),
    )


signed_quantities = st.decimals(min_value=-(10**9), max_value=10**9, places=3)
usages = st.one_of(
    st.builds(lambda quantity: Usage(quantity=quantity), signed_quantities),
    st.builds(lambda xs: Usage(events=tuple(xs)), st.lists(quantities, max_size=8)),
    st.builds(lambda xs: Usage(buckets=tuple(xs)), st.lists(signed_quantities, max_size=8)),
    st.integers(1, 31).flatmap(
        lambda days: st.builds(
            lambda billed: Usage(billed_days=billed, period_days=days), st.integers(0, days)
        )
    ),
)


@given(components(), usages)
def test_steps_lead_to_the_amount_and_survive_json(component: Component, usage: Usage) -> None:
    charge = rate_component(component, usage)
    explained: Any = json.loads(json.dumps(charge.explain()))
    steps = [Step.from_json(step) for step in explained["steps"]]

    assert recompute(charge.steps) == charge.amount
    assert recompute(steps) == Decimal(explained["amount_exact"]) == charge.amount


@given(components(), usages)
def test_no_line_is_negative(component: Component, usage: Usage) -> None:
    charge = rate_component(component, usage)
    assert charge.amount >= 0
    assert round_line(charge, "USD").amount_minor >= 0


@given(components(), quantities, quantities)
def test_only_volume_may_fall_when_usage_rises(
    component: Component, first: Decimal, more: Decimal
) -> None:
    """A lone quantity of a percentage is one event, so that it rises too."""
    if component.model is PricingModel.VOLUME:
        return
    less_used = rate_component(component, Usage(quantity=first))
    more_used = rate_component(component, Usage(quantity=first + more))
    assert more_used.amount >= less_used.amount


@given(ladders(), st.lists(quantities, min_size=1, max_size=5))
def test_splitting_never_changes_a_graduated_total(
    tiers: tuple[Tier, ...], parts: list[Decimal]
) -> None:
    """A quantity that comes in parts is priced as one, whichever parts: by dimension or all at once."""
    component = Component(meter="m", model=PricingModel.GRADUATED, tiers=tiers)
    split = tuple(
        UsagePart((("region", str(number)),), quantity) for number, quantity in enumerate(parts)
    )

    whole = rate(PriceTable("USD", (component,)), {"m": Usage(quantity=sum(parts, Decimal(0)))})
    by_part = rate(PriceTable("USD", (component,)), {"m": Usage(parts=split)})

    assert by_part.charges == whole.charges


@given(st.lists(st.tuples(st.sampled_from("abcd"), quantities), max_size=8), components())
def test_each_part_is_priced_once(found: list[tuple[str, Decimal]], component: Component) -> None:
    """Prices for two regions and one for the rest: their quantities add up to all of it."""
    plain = replace(component, conversion=None)
    table = PriceTable(
        "USD",
        (*(replace(plain, dimensions=(("region", name),)) for name in "ab"), plain),
    )
    parts = tuple(UsagePart((("region", name),), quantity) for name, quantity in found)

    charges = rate(table, {"m": Usage(parts=parts)}).charges

    assert sum(charge.quantity for charge in charges) == sum(part.quantity for part in parts)


@given(components(), st.lists(quantities, max_size=4))
def test_rounding_happens_once_at_the_line(component: Component, more: list[Decimal]) -> None:
    """The line is less than half a minor unit from the exact amount, however many steps it has."""
    charge = rate_component(component, Usage(buckets=tuple(more)) if more else Usage())
    line = round_line(charge, "USD")
    assert abs(line.amount - charge.amount) <= Decimal("0.005")


@given(ladders(), quantities, quantities)
def test_graduated_never_falls_when_usage_rises(
    tiers: tuple[Tier, ...], first: Decimal, more: Decimal
) -> None:
    component = Component(meter="m", model=PricingModel.GRADUATED, tiers=tiers)
    less_used = rate_component(component, Usage(quantity=first))
    more_used = rate_component(component, Usage(quantity=first + more))
    assert more_used.amount >= less_used.amount


@given(ladders(), quantities)
def test_graduated_slices_hold_the_whole_quantity(
    tiers: tuple[Tier, ...], quantity: Decimal
) -> None:
    component = Component(meter="m", model=PricingModel.GRADUATED, tiers=tiers)
    steps = rate_component(component, Usage(quantity=quantity)).steps
    assert sum(step.quantity or 0 for step in steps) == quantity


@given(components(), st.lists(quantities, min_size=1, max_size=6), st.sampled_from(["JPY", "KWD"]))
def test_bookings_of_any_split_add_up_to_the_rating_of_the_whole(
    component: Component, parts: list[Decimal], currency: str
) -> None:
    booked: list[Money] = []
    known = Decimal(0)
    for part in parts:
        known += part
        rated = round_line(rate_component(component, Usage(quantity=known)), currency)
        booked.append(book_difference(rated, booked))

    whole = round_line(rate_component(component, Usage(quantity=sum(parts, Decimal(0)))), currency)
    assert sum_money(booked, currency) == whole


def test_explanation_shows_bounds_prices_and_formula() -> None:
    charge = rate_component(CALLS, Usage(quantity=Decimal(5321)))

    assert charge.explain() == {
        "meter": "calls",
        "model": "graduated",
        "quantity": "5321",
        "amount_exact": "44.605",
        "steps": [
            {
                "code": "tier",
                "amount": "0",
                "quantity": "1000",
                "unit_price": "0",
                "flat_fee": "0",
                "tier_from": "0",
                "tier_to": "1000",
                "formula": "1000 × 0 = 0",
            },
            {
                "code": "tier",
                "amount": "40",
                "quantity": "4000",
                "unit_price": "0.01",
                "flat_fee": "0",
                "tier_from": "1000",
                "tier_to": "5000",
                "formula": "4000 × 0.01 = 40",
            },
            {
                "code": "tier",
                "amount": "4.605",
                "quantity": "321",
                "unit_price": "0.005",
                "flat_fee": "3",
                "tier_from": "5000",
                "formula": "321 × 0.005 + 3 = 4.605",
            },
        ],
    }
    assert round_line(charge, "USD") == Money(4461, "USD")


def test_recompute_finds_a_changed_step() -> None:
    steps = rate_component(CALLS, Usage(quantity=Decimal(5321))).steps
    tampered = [*steps[:1], steps[1]._replace(amount=Decimal(39)), *steps[2:]]
    with pytest.raises(StepMismatchError, match="the numbers give 40"):
        recompute(tampered)


def test_flat_fee_names_its_days() -> None:
    base_fee = Component(meter="base", model=PricingModel.FLAT, unit_price=Decimal(50))
    charge = rate_component(base_fee, Usage(billed_days=17, period_days=31))
    assert [step.formula[:12] for step in charge.steps] == ["50 × 17/31 ="]
    assert round_line(charge, "EUR") == Money(2742, "EUR")


def test_negative_total_is_priced_as_zero_and_says_so() -> None:
    charge = rate_component(CALLS, Usage(quantity=Decimal(-5)))
    assert [step.code for step in charge.steps] == [StepCode.NEGATIVE_USAGE, StepCode.TIER]
    assert charge.amount == 0


def test_buckets_are_priced_alone_and_rounded_together() -> None:
    package = Component(
        meter="m",
        model=PricingModel.PACKAGE,
        package_size=Decimal(10),
        package_price=Decimal("1.005"),
    )
    charge = rate_component(package, Usage(buckets=(Decimal(1), Decimal(11))))
    assert [step.packages for step in charge.steps] == [1, 2]
    assert [step.bucket for step in charge.steps] == [0, 1]
    assert round_line(charge, "USD") == Money(302, "USD")


def test_maximum_cuts_the_period_and_shows_the_gross() -> None:
    component = Component(
        meter="m",
        model=PricingModel.PER_UNIT,
        unit_price=Decimal(2),
        max_spend=Decimal(15),
    )
    charge = rate_component(component, Usage(quantity=Decimal(10)))
    assert [(step.code.value, step.amount) for step in charge.steps] == [
        ("units", Decimal(20)),
        ("maximum_spend", Decimal(-5)),
    ]
    assert charge.amount == 15


def test_table_prices_every_component_once_and_sums_rounded_lines() -> None:
    table = PriceTable(
        currency="USD",
        components=(
            Component(meter="base", model=PricingModel.FLAT, unit_price=Decimal("0.005")),
            Component(meter="a", model=PricingModel.PER_UNIT, unit_price=Decimal("0.005")),
        ),
    )
    rating = rate(table, {"a": Usage(quantity=Decimal(1)), "unpriced": Usage(quantity=Decimal(9))})
    assert [charge.meter for charge in rating.charges] == ["base", "a"]
    assert rating.total == Money(2, "USD")


def test_two_components_for_one_meter_are_refused() -> None:
    component = Component(meter="calls", model=PricingModel.PER_UNIT)
    with pytest.raises(ValueError, match="more than one component for calls"):
        PriceTable("USD", (component, component))


def test_tiered_model_without_tiers_is_refused() -> None:
    with pytest.raises(ValueError, match="needs tiers"):
        Component(meter="calls", model=PricingModel.VOLUME)


def test_models_are_those_that_plans_offer() -> None:
    assert {model.value for model in PricingModel} == set(PriceModel.values)

"""Every worked case of the pricing kinds, run through the calculator and recomputed from its steps."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from apps.core.money import Money, allocate, currency_exponent, round_half_away, sum_money
from apps.pricing.calculator import (
    Component,
    PackageRounding,
    PricingModel,
    SpendLimits,
    Tier,
    Usage,
    book_difference,
    left_in_free_pool,
    limit_booking,
    percent_of,
    rate_component,
    recompute,
    round_line,
)
from apps.pricing.calculator.quantities import (
    Conversion,
    QuantityRounding,
    convert_quantity,
    round_quantity,
)
from tests.vectors import optional_decimal, vectors

CURRENCY_OF_PLACES = {0: "JPY", 2: "USD", 3: "KWD"}


def tier_from(row: dict[str, Any]) -> Tier:
    return Tier(
        up_to=optional_decimal(row["up_to"]),
        unit_price=Decimal(row.get("unit_price", "0")),
        flat_fee=Decimal(row.get("flat_fee") or "0"),
        package_size=optional_decimal(row.get("package_size")),
        rate_percent=Decimal(row.get("rate_percent", "0")),
    )


def component_from(model: str, row: dict[str, Any]) -> Component:
    """Build the component that a vector describes; names of the fields are the vectors' own."""
    if model == "dynamic":
        return Component(
            meter="m", model=PricingModel.PER_UNIT, unit_price=Decimal(row["multiplier"])
        )
    return Component(
        meter="m",
        model=PricingModel(model),
        tiers=tuple(tier_from(tier) for tier in row.get("tiers", ())),
        unit_price=Decimal(row.get("unit_price", "0")),
        free_units=Decimal(row.get("free_units") or "0"),
        package_size=Decimal(row.get("package_size", "1")),
        package_price=Decimal(row.get("package_price", "0")),
        package_rounding=PackageRounding(row.get("package_rounding", "up")),
        rate_percent=Decimal(row.get("rate_percent", "0")),
        fixed_fee=Decimal(row.get("fixed_fee") or "0"),
        free_events=row.get("free_events"),
        free_amount=optional_decimal(row.get("free_amount")),
        min_per_event=optional_decimal(row.get("min_per_event")),
        max_per_event=optional_decimal(row.get("max_per_event")),
    )


def usage_from(row: dict[str, Any]) -> Usage:
    if "event_amounts" in row:
        return Usage(events=tuple(Decimal(amount) for amount in row["event_amounts"]))
    if "buckets" in row:
        return Usage(buckets=tuple(Decimal(quantity) for quantity in row["buckets"]))
    return Usage(quantity=Decimal(row["units"]))


def money(text: str, places: int = 2) -> Money:
    return Money.from_decimal(Decimal(text), CURRENCY_OF_PLACES[places])


@vectors(
    "graduated",
    "volume",
    "package",
    "percentage",
    "graduated_percentage",
    "per_unit",
)
def test_model_prices_usage(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    charge = rate_component(component_from(kind, given), usage_from(given))

    places = given.get("rounding_places")
    amount = charge.amount if places is None else round_half_away(charge.amount, places)
    assert amount == Decimal(vector["expected"]["amount"])
    assert recompute(charge.steps) == charge.amount


@vectors("rerating_delta")
def test_runs_book_the_difference_to_what_is_known_now(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    component = replace(
        component_from(given["model"], given["params"]),
        free_units=Decimal(given["free_quantity"]),
        max_spend=optional_decimal(given["max_spend"]),
    )
    currency = CURRENCY_OF_PLACES[given["rounding_places"]]
    minimum = optional_decimal(given["min_spend"])
    last_run = len(given["cumulative_usage"]) - 1

    booked: list[Money] = []
    for run, quantity in enumerate(given["cumulative_usage"]):
        is_final = given["last_is_final"] and run == last_run
        known = replace(component, min_spend=minimum if is_final else None)
        rated = round_line(rate_component(known, Usage(quantity=Decimal(quantity))), currency)
        booked.append(book_difference(rated, booked))

    assert [line.amount for line in booked] == [Decimal(x) for x in vector["expected"]["booked"]]


@vectors("progressive_billing")
def test_thresholds_that_are_passed_are_booked_and_taken_off_the_end(
    kind: str, vector: dict[str, Any]
) -> None:
    """A run for each threshold that usage passes books what no run has booked; the last one books the rest."""
    given, expected = vector["input"], vector["expected"]
    component = Component(
        meter="m", model=PricingModel.PER_UNIT, unit_price=Decimal(given["unit_price"])
    )
    thresholds = [money(threshold) for threshold in given["thresholds"]]
    booked: list[Money] = []
    rated = money("0")
    for units in given["cumulative_units"]:
        rated = round_line(rate_component(component, Usage(quantity=Decimal(units))), "USD")
        passed = sum_money(booked, "USD")
        if any(passed < threshold <= rated for threshold in thresholds):
            booked.append(book_difference(rated, booked))
    rest = book_difference(rated, booked)

    assert [line.amount for line in booked] == [
        Decimal(x) for x in expected["progressive_invoices"]
    ]
    assert sum_money(booked, "USD") == money(expected["progressive_credit"])
    assert rest + money(given["base_fee_final"]) == money(expected["final_invoice"])


@vectors("spend_limits")
def test_spend_limits_bind_the_period_total(kind: str, vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    component = component_from(given["model"], given["params"])
    currency = CURRENCY_OF_PLACES[given["rounding_places"]]
    before = Decimal(given["units_before"])
    now = before + Decimal(given["units_now"])
    rated_before, rated_now = (
        round_line(rate_component(component, Usage(quantity=quantity)), currency)
        for quantity in (before, now)
    )
    minimum, maximum = (
        None if given[name] is None else money(given[name]) for name in ("min_spend", "max_spend")
    )

    earlier_runs = [rated_before] if before else []
    booking = limit_booking(
        book_difference(rated_now, earlier_runs),
        net_booked_before=money(given["net_billed_before"]),
        limits=SpendLimits(
            min_spend=minimum,
            max_spend=maximum,
            percent_discount=Decimal(given["percent_discount"] or "0"),
        ),
        is_final_run=given["is_final_run"],
    )

    assert booking.charge == money(expected["charge"])
    assert booking.max_spend_discount == money(expected["max_spend_discount"])
    assert booking.min_spend_line == money(expected["min_spend_line"])
    assert booking.total == money(expected["total"])


@vectors("minimum_true_up")
def test_minimum_is_prorated_by_days(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    component = Component(
        meter="m",
        model=PricingModel.PER_UNIT,
        unit_price=Decimal(1),
        min_spend=Decimal(given["minimum"]),
    )
    charge = rate_component(
        component,
        Usage(
            quantity=Decimal(given["charged"]),
            billed_days=given["days"],
            period_days=given["period_days"],
        ),
    )

    topped_up = charge.amount - Decimal(given["charged"])
    assert round_half_away(topped_up, given["rounding_places"]) == Decimal(
        vector["expected"]["true_up"]
    )
    assert recompute(charge.steps) == charge.amount


@vectors("usage_discount")
def test_free_pool_belongs_to_the_period(kind: str, vector: dict[str, Any]) -> None:
    given, quantity = vector["input"], Decimal(vector["input"]["quantity"])
    free = left_in_free_pool(
        Decimal(given["free_quantity"]),
        used_before=Decimal(given["prior_quantity"]),
        quantity=quantity,
    )
    assert free == Decimal(vector["expected"]["discounted"])
    assert quantity - free == Decimal(vector["expected"]["billable"])


@vectors("unit_conversion")
def test_conversion_comes_before_pricing(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    units = convert_quantity(
        Decimal(given["raw_units"]),
        Conversion(given["operation"]),
        Decimal(given["factor"]),
        QuantityRounding(given["rounding"]),
    )
    assert units == Decimal(vector["expected"]["units"])


@vectors("metric_rounding")
def test_quantities_are_rounded_to_places(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    rounding = {"round": "half_up", "ceil": "ceiling", "floor": "floor"}[given["function"]]
    units = round_quantity(
        Decimal(given["units"]), QuantityRounding(rounding), given["precision"] or 0
    )
    assert units == Decimal(vector["expected"]["units"])


@vectors("rounding")
def test_ties_go_away_from_zero(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    assert given["mode"] == "half_up"
    assert currency_exponent(given["currency"]) == given["places"]
    settled = Money.from_decimal(Decimal(given["value"]), given["currency"])
    assert settled.amount == Decimal(vector["expected"]["value"])


@vectors("minor_units")
def test_minor_units_follow_the_currency(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    settled = Money.from_decimal(Decimal(given["value"]), given["currency"])
    assert settled.amount_minor == vector["expected"]["minor"]


@vectors("allocation")
def test_shares_add_up(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    shares = allocate(
        money(given["amount"], given["places"]), [Decimal(weight) for weight in given["weights"]]
    )
    assert [share.amount for share in shares] == [Decimal(x) for x in vector["expected"]["shares"]]


@vectors("percent_of")
def test_percentages_of_money_are_rounded_once(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    base = Money.from_decimal(Decimal(given["base"]), given["currency"])
    assert percent_of(base, Decimal(given["percent"])).amount == Decimal(
        vector["expected"]["amount"]
    )

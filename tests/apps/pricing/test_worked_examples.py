"""The features P1 to P6 by their own numbers, asked as anyone would ask them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.core.actors import Actor
from apps.pricing.calculator import PriceTable, Step, recompute
from apps.pricing.component_drafts import price_component
from apps.pricing.plan_templates import TEMPLATES
from apps.pricing.quote_input import QuoteInput
from apps.pricing.quotes import answer_quote, quote_usage

FREE_THEN_PAID = [
    {"up_to": "1000", "unit_price": "0"},
    {"up_to": "10000", "unit_price": "0.01"},
    {"up_to": None, "unit_price": "0.01"},
]
BANDS = [
    {"up_to": "10000", "unit_price": "0.01"},
    {"up_to": "50000", "unit_price": "0.008"},
    {"up_to": None, "unit_price": "0.005"},
]


def asked(components: list[dict[str, Any]], calls: str) -> dict[str, Any]:
    given = QuoteInput(
        data={"currency": "USD", "components": components, "usage": {"calls": calls}}
    )
    assert given.is_valid(), given.errors
    return answer_quote(given.validated_data, actor=Actor.anonymous()).explain()


@pytest.mark.parametrize(
    ("kind", "calls", "total"),
    [
        ("usage_based", 5_000, "9.20"),
        ("usage_based", 15_000, "40.70"),
        ("subscription", 100_000, "99.99"),
        ("subscription", 120_000, "109.99"),
        ("freemium", 1_000, "0.00"),
        ("freemium", 5_000, "40.00"),
        ("hybrid", 10_000, "29.00"),
        ("hybrid", 25_000, "69.70"),
    ],
)
def test_p1_four_types_of_plan(kind: str, calls: int, total: str) -> None:
    components = tuple(price_component(draft) for draft in TEMPLATES[kind].components)

    quote = quote_usage(PriceTable("USD", components), {"calls": Decimal(calls)})

    assert quote.total.amount == Decimal(total)


def test_p2_tiered() -> None:
    quote = asked([{"model": "graduated", "tiers": FREE_THEN_PAID}], "5000")

    assert quote["total_minor"] == 4000
    assert [step["formula"] for step in quote["lines"][0]["steps"]] == [
        "1000 × 0 = 0",
        "4000 × 0.01 = 40",
    ]


def test_p3_volume() -> None:
    quote = asked([{"model": "volume", "tiers": BANDS}], "12000")

    assert quote["total_minor"] == 9600
    assert [step["formula"] for step in quote["lines"][0]["steps"]] == ["12000 × 0.008 = 96"]


def test_p4_per_unit() -> None:
    assert asked([{"model": "per_unit", "unit_price": "0.02"}], "250")["total_minor"] == 500


def test_p5_sums_are_exact_and_rounded_once() -> None:
    """Three lots of 0.1 + 0.2 of a cent are 0.9 of a cent: one cent, where rounding each would give none."""
    tiers = [
        {"up_to": "3", "unit_price": "0.001"},
        {"up_to": None, "unit_price": "0.002"},
    ]

    (line,) = asked([{"model": "graduated", "tiers": tiers}], "6")["lines"]

    assert (line["amount_exact"], line["amount_minor"]) == ("0.009", 1)
    assert [step["amount"] for step in line["steps"]] == ["0.003", "0.006"]


def test_p6_the_working_leads_to_the_amount() -> None:
    conversion = {"operation": "divide", "factor": "1000", "rounding": "ceiling"}
    price = {"model": "graduated", "tiers": BANDS, "free_units": "2", "conversion": conversion}

    (line,) = asked([{**price, "min_spend": "1"}], "12345")["lines"]

    assert [step["formula"] for step in line["steps"]] == [
        "12345 ÷ 1000 → 13",
        "2 × 0 = 0",
        "11 × 0.01 = 0.11",
        "1 → 0.89",
    ]
    assert (line["raw_quantity"], line["quantity"]) == ("12345", "13")
    assert recompute(Step.from_json(step) for step in line["steps"]) == Decimal(1)

"""The price list says every price of a plan, and calls a plan free only if nothing can be charged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.pricing.drafts import ComponentDraft, PriceDraft, TierDraft
from apps.pricing.enums import PriceModel
from apps.pricing.plan_templates import TEMPLATES
from apps.pricing.summaries import summarise


def component(model: PriceModel, **fields: Any) -> ComponentDraft:
    return ComponentDraft(**{"meter": "tokens", "name": "Tokens", "model": model, **fields})


@pytest.mark.parametrize(
    ("priced", "words"),
    [
        (component(PriceModel.FLAT, flat_fee=Decimal(5)), ["$5.00"]),
        (
            component(PriceModel.PER_UNIT, unit_price=Decimal("0.002"), free_units=Decimal(1000)),
            ["$0.002 each", "1,000 units are free"],
        ),
        (
            component(
                PriceModel.PACKAGE, meter="calls", package_price=Decimal(4), package_size=Decimal(10),
                max_spend=Decimal(6),
            ),
            ["$4.00 for each package of 10", "at most $6.00"],
        ),
        (
            component(PriceModel.PERCENTAGE, rate_percent=Decimal("1.5"), free_amount=Decimal(100)),
            ["1.5 percent", "the first $100.00 are free"],
        ),
        (
            component(
                PriceModel.GRADUATED_PERCENTAGE,
                tiers=(
                    TierDraft(up_to=Decimal(200), rate_percent=Decimal(2), flat_fee=Decimal(1)),
                    TierDraft(up_to=None, rate_percent=Decimal(1)),
                ),
                min_spend=Decimal(3),
            ),
            ["up to 200: 2 percent + $1.00", "over 200: 1 percent", "at least $3.00"],
        ),
    ],
)  # fmt: skip
def test_prices_beside_the_table_of_calls_are_told(
    priced: ComponentDraft, words: list[str]
) -> None:
    price = summarise(PriceDraft(currency="USD", components=(priced,)))

    assert [list(other.words) for other in price.others] == [words]
    assert (price.tiers, price.is_free) == ((), False)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_types_of_plan_are_told_by_fee_and_table(kind: str) -> None:
    price = summarise(PriceDraft(currency="USD", components=TEMPLATES[kind].components))

    assert (bool(price.tiers), price.others, price.is_free) == (True, (), False)


def test_only_a_plan_that_charges_nothing_is_free() -> None:
    free = component(PriceModel.PER_UNIT, meter="calls", unit_price=Decimal(0))

    assert summarise(PriceDraft(currency="USD", components=(free,))).is_free

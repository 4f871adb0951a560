"""Discounts and tax: worked cases, and sums that always hold."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import Money, round_half_away, sum_money
from apps.pricing.calculator.totals import (
    Discount,
    DiscountKind,
    TaxableLine,
    TaxPolicy,
    total_invoice,
)
from tests.vectors import vectors

LINE_PLACES = 6


def discount_from(row: dict[str, Any]) -> Discount:
    return Discount(DiscountKind(row["type"]), Decimal(row["value"]), row.get("applies_to"))


def line_from(row: dict[str, Any], currency: str) -> TaxableLine:
    return TaxableLine(
        Money.from_decimal(Decimal(row["amount"]), currency),
        Decimal(row["tax_percent"]),
        frozenset(row.get("tags", ())),
    )


@vectors("invoice")
def test_invoice_adds_up(kind: str, vector: dict[str, Any]) -> None:
    row, expected = vector["input"], vector["expected"]
    totals = total_invoice(
        [line_from(line, row["currency"]) for line in row["lines"]],
        currency=row["currency"],
        discounts=[discount_from(coupon) for coupon in row["coupons"]],
        tax_policy=TaxPolicy(row["tax_rounding"]),
    )
    for name in ("fees", "discount", "subtotal", "tax", "total"):
        assert getattr(totals, name).amount == Decimal(expected[name]), name
    if "line_discounts" in expected:
        shares = {
            line["id"]: round_half_away(total.discount_exact, LINE_PLACES)
            for line, total in zip(row["lines"], totals.lines, strict=True)
        }
        assert shares == {key: Decimal(x) for key, x in expected["line_discounts"].items()}


@vectors("coupons")
def test_discounts_act_on_what_the_earlier_left(kind: str, vector: dict[str, Any]) -> None:
    row = vector["input"]
    base = Money.from_decimal(Decimal(row["base"]), row["currency"])
    totals = total_invoice(
        [TaxableLine(base)],
        currency=row["currency"],
        discounts=[discount_from(coupon) for coupon in row["coupons"]],
    )
    taken = [discount.amount for discount in totals.discounts]
    assert taken == [Decimal(x) for x in vector["expected"]["discounts"]]
    assert totals.total.amount == Decimal(vector["expected"]["final"])


def test_three_policies_round_tax_in_three_places() -> None:
    lines = [TaxableLine(Money(10, "USD"), Decimal(rate)) for rate in (5, 5, 15, 15)]
    taxes = {
        policy: total_invoice(lines, currency="USD", tax_policy=policy).tax.amount_minor
        for policy in TaxPolicy
    }
    # Exact: 0.5 + 0.5 + 1.5 + 1.5 cents.
    assert taxes == {TaxPolicy.LINE: 6, TaxPolicy.RATE: 4, TaxPolicy.INVOICE: 4}


def test_discount_reaches_only_lines_with_its_tag() -> None:
    totals = total_invoice(
        [
            TaxableLine(Money(1000, "USD"), Decimal(20), frozenset({"calls"})),
            TaxableLine(Money(500, "USD"), Decimal(20)),
        ],
        currency="USD",
        discounts=[Discount(DiscountKind.PERCENT, Decimal(150), applies_to="calls")],
    )
    assert totals.discount == Money(1000, "USD")
    assert totals.tax == Money(100, "USD")


taxable_lines = st.lists(
    st.builds(
        TaxableLine,
        st.integers(-(10**6), 10**7).map(lambda minor: Money(minor, "USD")),
        st.decimals(0, 30, places=2),
        st.sets(st.sampled_from("ab")).map(frozenset),
    ),
    max_size=6,
)
any_discounts = st.lists(
    st.builds(
        Discount,
        st.sampled_from(DiscountKind),
        st.decimals(0, 200, places=2),
        st.none() | st.sampled_from("ab"),
    ),
    max_size=4,
)


@given(taxable_lines, any_discounts, st.sampled_from(TaxPolicy))
def test_sums_hold(lines: list[TaxableLine], discounts: list[Discount], policy: TaxPolicy) -> None:
    totals = total_invoice(lines, currency="USD", discounts=discounts, tax_policy=policy)
    shares = sum((line.discount_exact for line in totals.lines), Decimal(0))

    assert totals.total == totals.fees - totals.discount + totals.tax
    assert totals.tax == sum_money((line.tax for line in totals.lines), "USD")
    assert round_half_away(shares, 9) == totals.discount.amount
    assert all(discount.amount_minor >= 0 for discount in totals.discounts)
    for line, total in zip(lines, totals.lines, strict=True):
        assert total.discount_exact <= max(Decimal(0), line.amount.amount)

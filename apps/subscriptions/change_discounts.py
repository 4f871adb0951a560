"""What promotions do to the fees that change hands with a change of plan or a cancellation.

A fee that is given back takes its discount back with it, by the same days: what was paid is given back. The fees that are
charged instead are lowered by what the subscription has. Preview and invoice take the lines from here, so they agree to the cent.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.core.ids import parse_public_id
from apps.core.money import Money, sum_money
from apps.pricing.calculator import PriceTable
from apps.pricing.calculator.promotions import (
    ReducibleLine,
    ReductionKind,
    TakenOff,
    take_off,
)
from apps.pricing.models import Promotion
from apps.subscriptions.bill_promotions import BillAsked, Candidate, held_candidates_for
from apps.subscriptions.change_fees import QuotedFee
from apps.subscriptions.running_periods import PrepaidDiscount, PrepaidFee

# Worked out on the whole usage of a period, when it closes.
BY_USAGE = frozenset({ReductionKind.FREE_UNITS, ReductionKind.TIER_UPGRADE})


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedDiscount:
    """A line of a promotion.

    Attributes:
        promotion: its public id.
        amount_minor: as the line says it: negative where fees are lowered, positive where a discount is taken back.
        tax_minor: likewise.
        shares: of what is taken off, by the component of the fee that it lowers; they add up to `-amount_minor`.
        working: of the line, without the lines that it names.
    """

    promotion: str
    plan_name: str
    name: str
    amount_minor: int
    tax_minor: int
    shares: Mapping[str, int]
    working: Mapping[str, Any]

    @property
    def is_returned(self) -> bool:
        """Whether it is taken back."""
        return "returned" in self.working

    def amount(self, currency: str) -> Money:
        """What the line says, before tax."""
        return Money(self.amount_minor, currency)

    def tax(self, currency: str) -> Money:
        """The tax of the line."""
        return Money(self.tax_minor, currency)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for the row of the change."""
        return {
            "promotion": self.promotion,
            "plan_name": self.plan_name,
            "name": self.name,
            "amount_minor": self.amount_minor,
            "tax_minor": self.tax_minor,
            "shares": dict(self.shares),
            "working": dict(self.working),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> QuotedDiscount:
        """Read what `to_json` wrote."""
        return cls(**values)


def discounts_taken_back(
    prepaid: Iterable[PrepaidFee],
    credits_by_component: Mapping[UUID, QuotedFee],
    *,
    currency: str,
    tax_percent: Decimal,
) -> Iterator[QuotedDiscount]:
    """Yield what goes back of the discounts of fees that are given back, in the proportion of their days."""
    for fee in prepaid:
        credit = credits_by_component.get(fee.component_id)
        if credit is None or not credit.billed_days:
            continue
        net = credit.amount(currency)
        for discount in fee.discounts:
            amount = returned_amount(
                discount.returned(credit.billed_days, fee.billed_days), currency
            )
            if not amount:
                continue
            tax = _tax_on(net + amount, tax_percent) - _tax_on(net, tax_percent)
            net += amount
            yield _returned(fee, discount, amount, tax, days=credit.billed_days)


def returned_amount(working: Mapping[str, Any], currency: str) -> Money:
    """Return what is taken back of a discount by its working, rounded once."""
    returned = working["returned"]
    share = Money(working["base_minor"], currency).amount
    return Money.from_decimal(share * returned["days"] / returned["of_days"], currency)


def discounts_on(
    fees: Sequence[QuotedFee],
    bill: BillAsked,
    *,
    taken_back: Iterable[QuotedDiscount],
    same_period: bool,
    currency: str,
    tax_percent: Decimal,
) -> list[QuotedDiscount]:
    """Return what a subscription's promotions take off fees that a change of plan charges. Three queries.

    Promotions that apply by themselves are found when a period opens or closes, and so are not among them.

    Args:
        taken_back: with the same change; of an amount off, so much more is left.
        same_period: the fees belong to the period whose discounts are taken back.
    """
    if not fees:
        return []
    returned: dict[str, int] = {}
    for item in taken_back if same_period else ():
        returned[item.promotion] = returned.get(item.promotion, 0) + item.amount_minor
    candidates = [
        replace(item, given_minor=item.given_minor - returned.get(item.promotion.public_id, 0))
        for item in fee_candidates(held_candidates_for(bill))
    ]
    taken = take_off(
        [item.reduction(currency) for item in candidates],
        [ReducibleLine(fee.meter, fee.amount(currency), is_fee=True) for fee in fees],
        table=PriceTable(currency, ()),
        usage={},
        tax_percent=tax_percent,
    )
    by_key = {item.promotion.public_id: item.promotion for item in candidates}
    return [_given(by_key[item.reduction.key], item, fees) for item in taken]


def fee_candidates(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Keep the promotions that lower fees before the period's usage is known."""
    return [item for item in candidates if ReductionKind(item.promotion.kind) not in BY_USAGE]


def working_of(promotion: Promotion, item: TakenOff) -> dict[str, Any]:
    """Return why a discount is what it is, as JSON values; the lines that it lowers are added by who books it."""
    reduction = item.reduction
    return {
        "promotion": promotion.public_id,
        "name": promotion.name,
        "code": promotion.code,
        "kind": reduction.kind.value,
        "value": f"{reduction.value.normalize():f}",
        "meter": reduction.meter,
        "base_minor": item.base.amount_minor,
        "amount_minor": item.amount.amount_minor,
    }


def promotion_id_of(discount: QuotedDiscount) -> UUID:
    """Return the key of the promotion of a quoted line."""
    return parse_public_id(Promotion.id_prefix, discount.promotion)


def net_of(discounts: Iterable[QuotedDiscount], currency: str) -> Money:
    """Return what lines of promotions add to an invoice, before tax."""
    return sum_money((item.amount(currency) for item in discounts), currency)


def tax_of(discounts: Iterable[QuotedDiscount], currency: str) -> Money:
    """Return the tax of lines of promotions."""
    return sum_money((item.tax(currency) for item in discounts), currency)


def _given(promotion: Promotion, item: TakenOff, fees: Sequence[QuotedFee]) -> QuotedDiscount:
    shares = zip(fees, item.shares, strict=True)
    return QuotedDiscount(
        promotion=promotion.public_id,
        plan_name=fees[0].plan_name,
        name=promotion.name,
        amount_minor=-item.amount.amount_minor,
        tax_minor=-item.tax.amount_minor,
        shares={str(fee.component_id): share.amount_minor for fee, share in shares if share},
        working=working_of(promotion, item),
    )


def _returned(
    fee: PrepaidFee, discount: PrepaidDiscount, amount: Money, tax: Money, *, days: int
) -> QuotedDiscount:
    working = discount.returned(days, fee.billed_days)
    return QuotedDiscount(
        promotion=working["promotion"],
        plan_name=fee.plan_name,
        name=working["name"],
        amount_minor=amount.amount_minor,
        tax_minor=tax.amount_minor,
        shares={str(fee.component_id): -amount.amount_minor},
        working={**working, "amount_minor": -amount.amount_minor},
    )


def _tax_on(amount: Money, percent: Decimal) -> Money:
    return Money.from_decimal(amount.amount * percent / 100, amount.currency)

"""Discounts: what a period's promotions take off its fees in advance, and off the lines that its closing puts on the draft.

Each promotion is a line with a negative amount and its working, in the order in which they apply. A discount of a fee that is
given back is taken back by a line with a positive amount.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from apps.billing.enums import LineKind, TaxRounding
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine
from apps.billing.services.rating import days_of, priced_for, usages_for, waived_of
from apps.core.db import require_transaction
from apps.core.money import Money
from apps.pricing.calculator import PriceTable, TaxPolicy, Usage
from apps.pricing.calculator.promotions import (
    ReducibleLine,
    Reduction,
    TakenOff,
    price_without,
    take_off,
    units_given,
)
from apps.pricing.calculator.promotions import ReductionKind as Kind
from apps.pricing.models import CALLS_METER, Promotion
from apps.subscriptions.bill_promotions import BillAsked, Candidate, candidates_for_all
from apps.subscriptions.change_discounts import (
    BY_USAGE,
    fee_candidates,
    returned_amount,
    working_of,
)
from apps.subscriptions.models import PromotionRedemption
from apps.subscriptions.services.promotions import claim_automatic, record_use

DESCRIPTION_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class PeriodBill:
    """What promotions of a period act on: its rounded lines, and what they were rated with."""

    period: BillingPeriod
    lines: Sequence[ReducibleLine]
    table: PriceTable
    usage: Mapping[str, Usage]

    @classmethod
    def of(
        cls,
        period: BillingPeriod,
        lines: Sequence[ReducibleLine],
        quantities: Mapping[str, Decimal],
    ) -> PeriodBill:
        """Return the bill of a period with these quantities by meter."""
        table, days = priced_for(period), days_of(period)
        waived = waived_of(period, table, quantities)
        return cls(period, lines, table, usages_for(table, quantities, days, waived))

    def lowered_by(
        self, reductions: Sequence[Reduction], *, percent: Decimal, policy: TaxPolicy
    ) -> list[TakenOff]:
        """Return what promotions take off it, in order."""
        return take_off(
            reductions,
            self.lines,
            table=self.table,
            usage=self.usage,
            tax_percent=percent,
            tax_policy=policy,
        )


def asked_of(period: BillingPeriod, quantities: Mapping[str, Decimal]) -> BillAsked:
    """Return what the promotions of a period are asked for by."""
    subscription, whole = period.subscription, period.whole
    return BillAsked(
        subscription=subscription,
        plan_id=period.price_version.plan_id,
        number=period.number,
        begins_at=max(whole.start, subscription.started_at or whole.start),
        calls=int(quantities.get(CALLS_METER, Decimal(0))),
    )


def candidates_of(
    billed: Iterable[tuple[BillingPeriod, Mapping[str, Decimal]]],
) -> dict[UUID, list[Candidate]]:
    """Return by subscription the promotions that may lower the bill of its period with these quantities.

    What is redeemed is locked, and so are those that apply by themselves, in one order, so that two who bill periods never wait
    for each other. No query more than `candidates_for_all` needs, and one where there are automatic ones. Part of the caller's
    transaction.
    """
    require_transaction()
    asked = [asked_of(period, quantities) for period, quantities in billed]
    if not asked:
        return {}
    found = candidates_for_all(asked, lock=True)
    claimed = {item.promotion.pk for held in found.values() for item in held if not item.redemption}
    if claimed:
        rows = Promotion.objects.filter(pk__in=claimed).order_by("pk")
        list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))
    return {bill.subscription.pk: held for bill, held in found.items()}


def add_discounts(
    *,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    quantities: Mapping[str, Decimal] | None,
    candidates: Sequence[Candidate],
) -> list[InvoiceLine]:
    """Lower the lines that a period is about to put on a draft. Part of the caller's transaction.

    Without `quantities` they are fees in advance: what acts on usage waits for the period's closing. Promotions that apply by
    themselves are redeemed here; one that was used up meanwhile is left out.
    """
    require_transaction()
    reduced = [line for line in lines if line.period is not None]
    if not reduced or reduced[0].period is None:
        return []
    counted = quantities or {}
    bill = PeriodBill.of(reduced[0].period, [_reducible(line) for line in reduced], counted)
    if quantities is None:
        candidates = fee_candidates(candidates)
    policy = TaxPolicy(TaxRounding(invoice.tax_rounding).value)
    taken: list[TakenOff] = []
    redeemed: dict[str, PromotionRedemption] = {}
    while candidates:
        reductions = [item.reduction(invoice.currency) for item in candidates]
        taken = bill.lowered_by(reductions, percent=reduced[0].tax_percent, policy=policy)
        at = bill.period.period_start if quantities is None else bill.period.period_end
        used_up = _claim(candidates, taken, bill.period, redeemed, at=at)
        if used_up is None:
            break
        candidates = [item for item in candidates if item is not used_up]
        taken = []
    by_key = {item.promotion.public_id: item for item in candidates}
    made = [
        _discount_line(bill, item, by_key[item.reduction.key], reduced, position=number)
        for number, item in enumerate(taken, start=reduced[-1].position + 1)
    ]
    if quantities is None:
        for line in made:
            line.discount = {**(line.discount or {}), "in_advance": True}
    for item in taken:
        record_use(
            redemption=redeemed[item.reduction.key],
            number=bill.period.number,
            amount=item.amount,
            units=units_given(item.reduction, bill.usage),
        )
    return InvoiceLine.objects.bulk_create(made)


def _claim(
    candidates: Sequence[Candidate],
    taken: Sequence[TakenOff],
    period: BillingPeriod,
    redeemed: dict[str, PromotionRedemption],
    *,
    at: datetime,
) -> Candidate | None:
    """Redeem what applies by itself, and return the first that cannot be redeemed any more."""
    applied = {item.reduction.key for item in taken}
    for item in candidates:
        key = item.promotion.public_id
        if key not in applied or key in redeemed:
            continue
        redemption = item.redemption or claim_automatic(
            promotion=item.promotion, subscription=period.subscription, at=at
        )
        if redemption is None:
            return item
        redeemed[key] = redemption
    return None


def _reducible(line: InvoiceLine) -> ReducibleLine:
    is_fee = line.kind == LineKind.FEE
    return ReducibleLine(line.charge.meter if line.charge else "", line.amount, is_fee=is_fee)


def _discount_line(
    bill: PeriodBill,
    item: TakenOff,
    candidate: Candidate,
    lines: Sequence[InvoiceLine],
    *,
    position: int,
) -> InvoiceLine:
    line = line_like(
        lines[0],
        candidate.promotion,
        position=position,
        amount=(-item.amount.amount_minor, -item.tax.amount_minor),
    )
    shares = zip(lines, item.shares, strict=True)
    line.discount = working_of(candidate.promotion, item) | {
        "lines": shares_of((fee, share.amount_minor) for fee, share in shares if share)
    }
    if item.reduction.kind in BY_USAGE:
        full, cheaper = price_without(item.reduction, bill.table, bill.usage)
        line.discount |= {"full_minor": full.amount_minor, "cheaper_minor": cheaper.amount_minor}
    return line


def line_like(
    fee: InvoiceLine, promotion: Promotion, *, position: int, amount: tuple[int, int]
) -> InvoiceLine:
    """Return an unsaved line of a promotion beside a line that it lowers; `amount` is before tax, and the tax."""
    period = fee.period
    words = [promotion.name]
    if period is not None:
        words = [period.subscription.api.name, period.price_version.plan.name, promotion.name]
    return InvoiceLine(
        invoice_id=fee.invoice_id,
        consumer_organization_id=fee.consumer_organization_id,
        # Who bears it: the provider that owns the promotion, or nobody but the operator.
        provider_organization_id=promotion.organization_id,
        period=period,
        kind=LineKind.DISCOUNT,
        position=position,
        description=" · ".join(words)[:DESCRIPTION_LENGTH],
        quantity=Decimal(0),
        amount_minor=amount[0],
        tax_percent=fee.tax_percent,
        tax_minor=amount[1],
        currency=fee.currency,
    )


def shares_of(lowered: Iterable[tuple[InvoiceLine, int]]) -> list[dict[str, Any]]:
    return [
        {"line": line.public_id, "description": line.description, "amount_minor": share}
        for line, share in lowered
    ]


def discount_steps_amount(working: Mapping[str, Any], currency: str) -> Money:
    """Do the working of a discount again from its operands: the amount that its line must have."""
    if "returned" in working:
        return -returned_amount(working, currency)
    base, value = Money(working["base_minor"], currency), Decimal(working["value"])
    kind = Kind(working["kind"])
    if kind is Kind.FREE_PERIODS:
        wanted = base
    elif kind is Kind.PERCENTAGE:
        wanted = Money.from_decimal(base.amount * min(value, Decimal(100)) / 100, currency)
    elif kind is Kind.FIXED_AMOUNT:
        wanted = Money.from_decimal(value, currency)
    else:
        wanted = Money(working["full_minor"] - working["cheaper_minor"], currency)
    return min(wanted, base)

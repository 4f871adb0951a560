"""Discounts: what a period's promotions take off the lines that its closing puts on the draft.

Each promotion is a line with a negative amount and its working, in the order in which they apply.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from apps.billing.enums import LineKind, TaxRounding
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine
from apps.billing.services.rating import days_of, priced_for, usages_for, waived_of
from apps.core.db import require_transaction
from apps.core.ids import format_public_id
from apps.core.money import Money
from apps.pricing.calculator import PriceTable, TaxPolicy, Usage
from apps.pricing.calculator.promotions import (
    ReducibleLine,
    TakenOff,
    price_without,
    take_off,
)
from apps.pricing.calculator.promotions import ReductionKind as Kind
from apps.pricing.models import CALLS_METER, Promotion
from apps.pricing.promotion_reductions import reduction_of
from apps.subscriptions.models import PromotionRedemption
from apps.subscriptions.promotions import BillAsked, Candidate, candidates_for_all
from apps.subscriptions.services.promotions import claim_automatic, record_use

RATED_AGAIN: Final = (Kind.FREE_UNITS, Kind.TIER_UPGRADE)


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
        self, candidates: Sequence[Candidate], *, percent: Decimal, policy: TaxPolicy
    ) -> list[TakenOff]:
        """Return what promotions take off it, in order."""
        return take_off(
            [reduction_of(item.promotion, self.table.currency) for item in candidates],
            self.lines,
            table=self.table,
            usage=self.usage,
            tax_percent=percent,
            tax_policy=policy,
        )


def asked_of(period: BillingPeriod, quantities: Mapping[str, Decimal]) -> BillAsked:
    """Return what the promotions of a period are asked for by."""
    subscription = period.subscription
    began = max(period.period_start, subscription.started_at or period.period_start)
    calls = int(quantities.get(CALLS_METER, Decimal(0)))
    return BillAsked(subscription=subscription, begins_at=began, calls=calls)


def candidates_of(
    closed: Iterable[tuple[BillingPeriod, Mapping[str, Decimal]]],
) -> dict[UUID, list[Candidate]]:
    """Return by subscription the promotions that may lower the bill of its period with these quantities.

    Those that apply by themselves are locked, in one order, so that two who close periods never wait for each other. No query
    more than `candidates_for_all` needs, and one where there are such. Part of the caller's transaction.
    """
    require_transaction()
    asked = [asked_of(period, quantities) for period, quantities in closed]
    if not asked:
        return {}
    found = candidates_for_all(asked)
    claimed = {item.promotion.pk for held in found.values() for item in held if not item.redemption}
    if claimed:
        rows = Promotion.objects.filter(pk__in=claimed).order_by("pk")
        list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))
    return found


def add_discounts(
    *,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    quantities: Mapping[str, Decimal],
    candidates: Sequence[Candidate],
) -> list[InvoiceLine]:
    """Lower the lines that a period is about to put on a draft. Part of the caller's transaction.

    Promotions that apply by themselves are redeemed here; one that was used up meanwhile is left out.
    """
    require_transaction()
    reduced = [line for line in lines if line.period is not None]
    if not reduced or reduced[0].period is None:
        return []
    bill = PeriodBill.of(reduced[0].period, [_reducible(line) for line in reduced], quantities)
    policy = TaxPolicy(TaxRounding(invoice.tax_rounding).value)
    taken: list[TakenOff] = []
    redeemed: dict[str, PromotionRedemption] = {}
    while candidates:
        taken = bill.lowered_by(candidates, percent=reduced[0].tax_percent, policy=policy)
        used_up = _claim(candidates, taken, bill.period, redeemed)
        if used_up is None:
            break
        candidates = [item for item in candidates if item is not used_up]
        taken = []
    by_key = {item.promotion.public_id: item for item in candidates}
    made = [
        _discount_line(bill, item, by_key[item.reduction.key], reduced, position=number)
        for number, item in enumerate(taken, start=reduced[-1].position + 1)
    ]
    for item in taken:
        record_use(redemption=redeemed[item.reduction.key], amount=item.amount)
    return InvoiceLine.objects.bulk_create(made)


def _claim(
    candidates: Sequence[Candidate],
    taken: Sequence[TakenOff],
    period: BillingPeriod,
    redeemed: dict[str, PromotionRedemption],
) -> Candidate | None:
    """Redeem what applies by itself, and return the first that cannot be redeemed any more."""
    applied = {item.reduction.key for item in taken}
    for item in candidates:
        key = item.promotion.public_id
        if key not in applied or key in redeemed:
            continue
        redemption = item.redemption or claim_automatic(
            promotion=item.promotion, subscription=period.subscription, at=period.period_end
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
    first, promotion = lines[0], candidate.promotion
    subscription = bill.period.subscription
    return InvoiceLine(
        invoice=first.invoice,
        consumer_organization_id=first.consumer_organization_id,
        # Who bears it: the provider that owns the promotion, or nobody but the operator.
        provider_organization_id=promotion.organization_id,
        period=bill.period,
        kind=LineKind.DISCOUNT,
        position=position,
        description=f"{subscription.api.name} · {subscription.plan.name} · {promotion.name}"[:200],
        quantity=Decimal(0),
        amount_minor=-item.amount.amount_minor,
        tax_percent=first.tax_percent,
        tax_minor=-item.tax.amount_minor,
        currency=first.currency,
        discount=_working(bill, item, candidate, lines),
    )


def _working(
    bill: PeriodBill, item: TakenOff, candidate: Candidate, lines: Sequence[InvoiceLine]
) -> dict[str, Any]:
    """Return why a discount is what it is, as JSON values."""
    reduction, promotion = item.reduction, candidate.promotion
    working: dict[str, Any] = {
        "promotion": promotion.public_id,
        "name": promotion.name,
        "code": promotion.code,
        "kind": reduction.kind.value,
        "value": f"{reduction.value.normalize():f}",
        "meter": reduction.meter,
        "base_minor": item.base.amount_minor,
        "amount_minor": item.amount.amount_minor,
        "lines": [
            {
                "line": format_public_id(InvoiceLine.id_prefix, line.pk),
                "description": line.description,
                "amount_minor": share.amount_minor,
            }
            for line, share in zip(lines, item.shares, strict=True)
            if share
        ],
    }
    if reduction.kind in RATED_AGAIN:
        full, cheaper = price_without(reduction, bill.table, bill.usage)
        working |= {"full_minor": full.amount_minor, "cheaper_minor": cheaper.amount_minor}
    return working


def discount_steps_amount(working: Mapping[str, Any], currency: str) -> Money:
    """Do the working of a discount again from its operands: the amount that its line must have."""
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

"""What promotions do to a period at any moment of it: what they have taken off its fees, and what its closing will lower.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final
from uuid import UUID

from apps.billing.enums import LineKind, PeriodStatus, RunKind
from apps.billing.models import BillingPeriod, InvoiceLine, RatedCharge
from apps.billing.services.advance import is_in_advance
from apps.billing.services.discounts import PeriodBill, asked_of
from apps.core.money import Money
from apps.pricing.calculator import Charge, PricingModel, TaxPolicy, round_line
from apps.pricing.calculator.promotions import ReducibleLine, Reduction, ReductionKind
from apps.subscriptions.bill_promotions import Candidate, candidates_for_all

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class PeriodPromotions:
    """The promotions of one period.

    Attributes:
        names: by the promotion's public id.
        booked: what they have taken off fees in advance, less what was taken back; zero or negative.
        charged: the components whose fees were charged in advance: no promotion of the closing lowers them.
        reductions: of the closing's bill, the first to apply first.
        candidates: what they come from, while the period is not closed.
    """

    names: Mapping[str, str]
    booked: Mapping[str, Money]
    charged: frozenset[UUID] = frozenset()
    reductions: tuple[Reduction, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    def lowering(
        self,
        period: BillingPeriod,
        charges: Sequence[Charge],
        quantities: Mapping[str, Decimal],
    ) -> dict[str, Money]:
        """Return what they take off a period with these charges, one per component, by the promotion's public id."""
        found = dict(self.booked)
        currency = period.price_version.currency
        rows = period.price_version.components.all()
        lines = [
            ReducibleLine(
                charge.meter,
                round_line(charge, currency),
                is_fee=charge.model is PricingModel.FLAT,
            )
            for row, charge in zip(rows, charges, strict=True)
            if row.pk not in self.charged
        ]
        if self.reductions and lines:
            bill = PeriodBill.of(period, lines, quantities)
            for item in bill.lowered_by(self.reductions, percent=ZERO, policy=TaxPolicy.LINE):
                key = item.reduction.key
                found[key] = found.get(key, Money.zero(currency)) - item.amount
        return found

    def coming(self, ahead: int, currency: str) -> PeriodPromotions:
        """Return the promotions of the period that begins so many periods later, as far as they last."""
        lasting = [
            replace(item, given_minor=0, given_units=ZERO)
            for item in self.candidates
            if item.lasts(ahead)
        ]
        reductions = tuple(item.reduction(currency) for item in lasting)
        return replace(self, booked={}, charged=frozenset(), reductions=reductions)


NO_PROMOTIONS: Final = PeriodPromotions({}, {})


def promotions_of(
    counted: Mapping[BillingPeriod, Mapping[str, Decimal]],
) -> dict[BillingPeriod, PeriodPromotions]:
    """Return the promotions of periods with so much usage each.

    Three queries, one more where a price is billed in advance, and some for promotions that are redeemed or apply by themselves.
    A closed period is lowered as its invoice says, any other one as it would be if it were closed now.
    """
    booked: dict[UUID, list[InvoiceLine]] = {}
    for line in InvoiceLine.objects.filter(period__in=counted, kind=LineKind.DISCOUNT).order_by(
        "id"
    ):
        if line.period_id is not None:
            booked.setdefault(line.period_id, []).append(line)
    charged = _charged_in_advance(counted)
    bills = {
        period: asked_of(period, quantities)
        for period, quantities in counted.items()
        if period.status != PeriodStatus.CLOSED
    }
    candidates = candidates_for_all(list(bills.values())) if bills else {}
    return {
        period: _promotions(
            period,
            booked.get(period.pk, ()),
            charged.get(period.pk, frozenset()),
            tuple(candidates[bills[period]]) if period in bills else None,
        )
        for period in counted
    }


def _charged_in_advance(periods: Iterable[BillingPeriod]) -> dict[UUID, frozenset[UUID]]:
    asked = [
        period
        for period in periods
        if any(is_in_advance(row) for row in period.price_version.components.all())
    ]
    if not asked:
        return {}
    rows = RatedCharge.objects.filter(run__period__in=asked, run__kind=RunKind.ADVANCE)
    found: dict[UUID, set[UUID]] = {}
    for period_id, component_id in rows.values_list("run__period_id", "component_id"):
        found.setdefault(period_id, set()).add(component_id)
    return {period_id: frozenset(ids) for period_id, ids in found.items()}


def _promotions(
    period: BillingPeriod,
    lines: Sequence[InvoiceLine],
    charged: frozenset[UUID],
    candidates: tuple[Candidate, ...] | None,
) -> PeriodPromotions:
    names: dict[str, str] = {}
    booked: dict[str, Money] = {}
    closing: list[Reduction] = []
    for line in lines:
        working = line.discount or {}
        key = working["promotion"]
        names[key] = working["name"]
        if "in_advance" in working:
            booked[key] = booked.get(key, Money.zero(line.currency)) + line.amount
        elif line.corrects_id is None:
            kind, value = ReductionKind(working["kind"]), Decimal(working["value"])
            closing.append(Reduction(key=key, kind=kind, value=value, meter=working["meter"]))
    if candidates is None:
        return PeriodPromotions(names, booked, charged, tuple(closing))
    names |= {item.promotion.public_id: item.promotion.name for item in candidates}
    currency = period.price_version.currency
    reductions = tuple(item.reduction(currency) for item in candidates)
    return PeriodPromotions(names, booked, charged, reductions, candidates)

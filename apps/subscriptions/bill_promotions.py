"""Which promotions may lower a bill of a subscription, and what other bills of its period have left of them.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.core.money import Money
from apps.pricing.calculator.promotions import Reduction, ReductionKind
from apps.pricing.models import Plan, Promotion
from apps.pricing.promotion_reductions import reduction_of
from apps.pricing.promotion_rules import customer_for, find_refusal
from apps.pricing.promotion_selectors import list_automatic_promotions
from apps.subscriptions.models import PromotionRedemption, PromotionUse, Subscription


@dataclass(frozen=True, slots=True)
class Candidate:
    """A promotion that may lower a bill; without a redemption it applies by itself, for the first time.

    Attributes:
        given_minor: what it took off other bills of the same period.
        given_units: the free units of it that other bills of the same period have had.
    """

    promotion: Promotion
    redemption: PromotionRedemption | None = None
    given_minor: int = 0
    given_units: Decimal = Decimal(0)

    def reduction(self, currency: str) -> Reduction:
        """Return what it does to the bill: of an amount or of units, what other bills of the period have left of it."""
        whole = reduction_of(self.promotion, currency)
        if whole.kind is ReductionKind.FIXED_AMOUNT:
            left = whole.value - Money(self.given_minor, currency).amount
        elif whole.kind is ReductionKind.FREE_UNITS:
            left = whole.value - self.given_units
        else:
            return whole
        return replace(whole, value=max(Decimal(0), left))

    def lasts(self, ahead: int) -> bool:
        """Whether it still lowers the period that begins so many periods later, if it lowers every one until then."""
        left = self.redemption.periods_left if self.redemption else self.promotion.periods
        is_counted = bool(self.given_minor or self.given_units)
        return left is None or left >= (ahead if is_counted else ahead + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillAsked:
    """A bill that promotions may lower.

    Attributes:
        plan_id: of the period's prices; a promotion for some plans lowers no bill of another one.
        number: of its period. Bills of one period are one use of a promotion.
        begins_at: when its period began; promotions that apply by themselves must hold then.
        calls: of the period.
    """

    subscription: Subscription
    plan_id: UUID
    number: int
    begins_at: datetime
    calls: int


def candidates_for(bill: BillAsked, *, lock: bool = False) -> list[Candidate]:
    """Return the promotions that may lower a bill, the first to apply first; `lock` those that are redeemed."""
    return candidates_for_all([bill], lock=lock)[bill]


def candidates_for_all(
    bills: Sequence[BillAsked], *, lock: bool = False
) -> dict[BillAsked, list[Candidate]]:
    """Return by bill the promotions that may lower it.

    Two queries; two more where there are redeemed ones, and some for each that applies by itself. Who books the bills locks the
    redemptions, so that no other bill of the period uses them meanwhile.
    """
    redeemed = _redeemed_by(bills, lock=lock)
    uses = _uses_of([row for rows in redeemed.values() for row in rows], bills)
    providers = {bill.subscription.provider_organization_id for bill in bills}
    automatic = list_automatic_promotions(*providers)
    return {
        bill: in_order(
            [
                *_held(bill, redeemed.get(bill.subscription.pk, ()), uses),
                *_coming(bill, redeemed.get(bill.subscription.pk, ()), automatic),
            ]
        )
        for bill in bills
    }


def held_candidates_for(bill: BillAsked) -> list[Candidate]:
    """Return the promotions that a subscription has already and that may lower a bill. Three queries."""
    rows = _redeemed_by([bill]).get(bill.subscription.pk, [])
    return in_order(_held(bill, rows, _uses_of(rows, [bill])))


def _redeemed_by(
    bills: Sequence[BillAsked], *, lock: bool = False
) -> dict[UUID, list[PromotionRedemption]]:
    rows = PromotionRedemption.objects.filter(
        subscription__in={bill.subscription.pk for bill in bills}
    ).order_by("pk")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    found: dict[UUID, list[PromotionRedemption]] = {}
    for row in rows.select_related("promotion").prefetch_related("promotion__plans"):
        found.setdefault(row.subscription_id, []).append(row)
    return found


def _uses_of(
    redeemed: Sequence[PromotionRedemption], bills: Sequence[BillAsked]
) -> dict[tuple[UUID, int], PromotionUse]:
    if not redeemed:
        return {}
    rows = PromotionUse.objects.filter(
        redemption__in=redeemed, period_number__in={bill.number for bill in bills}
    )
    return {(row.redemption_id, row.period_number): row for row in rows}


def _held(
    bill: BillAsked,
    redeemed: Sequence[PromotionRedemption],
    uses: Mapping[tuple[UUID, int], PromotionUse],
) -> list[Candidate]:
    """Return what is redeemed and lowers a bill of this plan: in a period that it lowers already, or because it has some left."""
    found = []
    for row in redeemed:
        use = uses.get((row.pk, bill.number))
        plans = {plan.pk for plan in row.promotion.plans.all()}
        if plans and bill.plan_id not in plans:
            continue
        if use is not None:
            found.append(Candidate(row.promotion, row, use.amount_minor, use.units))
        elif row.is_running:
            found.append(Candidate(row.promotion, row))
    return found


def _coming(
    bill: BillAsked, redeemed: Sequence[PromotionRedemption], automatic: Sequence[Promotion]
) -> list[Candidate]:
    """Return what applies by itself and was not redeemed yet."""
    known = {row.promotion_id for row in redeemed}
    return [
        Candidate(promotion)
        for promotion in automatic
        if promotion.pk not in known and _holds_by_itself(promotion, bill)
    ]


def in_order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates, the highest priority first; of equal ones the older promotion."""
    return sorted(candidates, key=lambda item: (-item.promotion.priority, item.promotion.pk))


def _holds_by_itself(promotion: Promotion, bill: BillAsked) -> bool:
    subscription = bill.subscription
    if promotion.organization_id not in {None, subscription.provider_organization_id}:
        return False
    customer = customer_for(promotion, subscription.consumer_organization_id, subscription.pk)
    plan = subscription.plan
    if plan.pk != bill.plan_id:
        plan = Plan.objects.select_related("api").get(pk=bill.plan_id)
    refusal = find_refusal(
        promotion,
        plan=plan,
        currency=subscription.price_version.currency,
        customer=replace(customer, calls=bill.calls, held=()),
        at=bill.begins_at,
    )
    return refusal is None

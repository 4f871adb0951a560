"""What a period's promotions take off when it is rated again, less what they took off before.

Source: docs/domain/rerating.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.billing.enums import LineKind, RunKind, TaxRounding
from apps.billing.models import BillingPeriod, InvoiceLine
from apps.core.ids import parse_public_id
from apps.core.money import Money
from apps.pricing.calculator import PriceTable, TaxPolicy, Usage
from apps.pricing.calculator.promotions import (
    ReducibleLine,
    Reduction,
    TakenOff,
    price_without,
    take_off,
)
from apps.pricing.calculator.promotions import ReductionKind as Kind
from apps.pricing.models import Promotion
from apps.subscriptions.models import PromotionRedemption
from apps.subscriptions.services.promotions import record_use


def discount_differences(
    *,
    period: BillingPeriod,
    table: PriceTable,
    usage: Mapping[str, Usage],
    added: Sequence[InvoiceLine],
) -> list[InvoiceLine]:
    """Return unsaved lines for what the promotions of a period's closing take off now, less what they took off.

    The same promotions act as then, on the lines as they are with `added`. One that would begin to apply by the late usage
    does not.
    """
    lines = list(
        InvoiceLine.objects.filter(
            charge__run__period=period, charge__run__kind=RunKind.CLOSING
        ).select_related("charge", "invoice")
    )
    lines.sort(key=lambda line: line.position)
    booked = _booked(period, {line.public_id for line in lines})
    if not booked or not added:
        return []
    reductions = [_reduction(key, line) for key, line in booked.items()]
    now = [_as_it_is(line, added) for line in lines]
    first = lines[0]
    policy = TaxPolicy(TaxRounding(first.invoice.tax_rounding).value)
    taken = take_off(
        reductions, now, table=table, usage=usage, tax_percent=first.tax_percent, tax_policy=policy
    )
    by_key = {item.reduction.key: item for item in taken}
    found = []
    for key, line in booked.items():
        made = _difference(line, by_key.get(key), table, usage)
        if made.amount_minor or made.tax_minor:
            found.append(made)
            _record(period, key, made)
    return found


def _reduction(key: str, line: InvoiceLine) -> Reduction:
    """Return what a promotion did at the closing: of an amount or of units, what other bills of the period had left of it."""
    working: dict[str, Any] = line.discount or {}
    return Reduction(
        key=key,
        kind=Kind(working["kind"]),
        value=Decimal(working["value"]),
        meter=working["meter"],
    )


def _record(period: BillingPeriod, key: str, made: InvoiceLine) -> None:
    """Count the difference to the use of the promotion, whose period it is."""
    redemption = PromotionRedemption.objects.filter(
        subscription_id=period.subscription_id,
        promotion_id=parse_public_id(Promotion.id_prefix, key),
        uses__period_number=period.number,
    ).first()
    if redemption is not None:
        record_use(redemption=redemption, number=period.number, amount=-made.amount)


def _booked(period: BillingPeriod, lines: set[str]) -> dict[str, InvoiceLine]:
    """Return the discount of each promotion that lowered these lines, in the order in which they applied."""
    rows = InvoiceLine.objects.filter(
        period=period, kind=LineKind.DISCOUNT, corrects=None, discount__isnull=False
    ).order_by("position")
    found: dict[str, InvoiceLine] = {}
    for row in rows:
        working: dict[str, Any] = row.discount or {}
        if lines & {share["line"] for share in working["lines"]}:
            found.setdefault(working["promotion"], row)
    return found


def _as_it_is(line: InvoiceLine, added: Sequence[InvoiceLine]) -> ReducibleLine:
    """Return a line of the closing with all that was added to it, before and now."""
    earlier = line.corrections.filter(kind=LineKind.ADJUSTMENT).aggregate(sum=Sum("amount_minor"))
    now = sum(other.amount_minor for other in added if other.corrects_id == line.pk)
    amount = Money(line.amount_minor + (earlier["sum"] or 0) + now, line.currency)
    meter = line.charge.meter if line.charge else ""
    return ReducibleLine(meter, amount, is_fee=line.kind == LineKind.FEE)


def _difference(
    line: InvoiceLine, item: TakenOff | None, table: PriceTable, usage: Mapping[str, Usage]
) -> InvoiceLine:
    earlier = line.corrections.aggregate(amount=Sum("amount_minor"), tax=Sum("tax_minor"))
    booked = line.amount_minor + (earlier["amount"] or 0)
    booked_tax = line.tax_minor + (earlier["tax"] or 0)
    amount = item.amount.amount_minor if item is not None else 0
    tax = item.tax.amount_minor if item is not None else 0
    return InvoiceLine(
        consumer_organization_id=line.consumer_organization_id,
        provider_organization_id=line.provider_organization_id,
        period=line.period,
        corrects=line,
        kind=LineKind.DISCOUNT,
        description=(_("%(line)s · usage that came late") % {"line": line.description})[:200],
        quantity=0,
        amount_minor=-amount - booked,
        tax_percent=line.tax_percent,
        tax_minor=-tax - booked_tax,
        currency=line.currency,
        discount=_working(line, item, table, usage, booked_minor=-booked),
    )


def _working(
    line: InvoiceLine,
    item: TakenOff | None,
    table: PriceTable,
    usage: Mapping[str, Usage],
    *,
    booked_minor: int,
) -> dict[str, Any]:
    """Return the working of the whole discount as it is now, with what of it was booked before."""
    working: dict[str, Any] = {**(line.discount or {}), "lines": [], "booked_minor": booked_minor}
    if item is None:
        return {**working, "base_minor": 0, "amount_minor": 0}
    working |= {"base_minor": item.base.amount_minor, "amount_minor": item.amount.amount_minor}
    if item.reduction.kind in {Kind.FREE_UNITS, Kind.TIER_UPGRADE}:
        full, cheaper = price_without(item.reduction, table, usage)
        working |= {"full_minor": full.amount_minor, "cheaper_minor": cheaper.amount_minor}
    return working

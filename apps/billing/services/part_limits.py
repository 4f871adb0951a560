"""Limits of a period that a change of plan cut into parts: the maximum of a price, and the consumer's spend cap.

Parts on the same price version share a maximum; what earlier ones cost is off it. A version that does not last until the
period's end has the part of its maximum that its days are of the period's. The consumer's spend cap is the whole period's.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from apps.billing.enums import RunKind
from apps.billing.models import BillingPeriod, RatedCharge
from apps.core.money import Money, sum_money
from apps.pricing.calculator import PriceTable, PricingModel
from apps.pricing.models import CALLS_METER
from apps.subscriptions.calendar import local_day
from apps.subscriptions.models import SpendCap

ZERO: Final = Decimal(0)


def limits_of_part(period: BillingPeriod, table: PriceTable) -> PriceTable:
    """Return the prices of a part with what is left of their maxima. Two queries for a part that has such prices, else none."""
    has_limits = any(component.max_spend is not None for component in table.components)
    if not (has_limits and is_part(period)):
        return table
    others = list(
        BillingPeriod.objects.filter(
            subscription_id=period.subscription_id, number=period.number
        ).order_by("part")
    )
    shared = _parts_before(period, others)
    goes_on = any(
        row.part == period.part + 1 and row.price_version_id == period.price_version_id
        for row in others
    )
    begin = shared[0].period_start if shared else period.period_start
    share = Decimal(1) if goes_on else _share_of_days(period, begin)
    spent = _spent(shared)
    rows = period.price_version.components.all()
    components = tuple(
        component
        if component.max_spend is None
        else replace(
            component, max_spend=max(ZERO, component.max_spend * share - spent.get(row.pk, ZERO))
        )
        for row, component in zip(rows, table.components, strict=True)
    )
    return replace(table, components=components)


def spend_caps_of_part(
    period: BillingPeriod, caps: Sequence[SpendCap], table: PriceTable, days: tuple[int, int]
) -> tuple[list[SpendCap], PriceTable]:
    """Return the caps less what earlier parts of the period cost, and the prices with the fees of the part's days. One query."""
    rows = RatedCharge.objects.filter(
        run__period__subscription_id=period.subscription_id,
        run__period__number=period.number,
        run__period__part__lt=period.part,
        currency=table.currency,
    ).select_related("run")
    before = list(rows)
    cost = sum_money((_rounded(row) for row in before), table.currency)
    calls = sum(
        (
            row.quantity
            for row in before
            if row.meter == CALLS_METER and row.run.kind == RunKind.CLOSING
        ),
        ZERO,
    )
    left = []
    for cap in caps:
        held = copy(cap)
        held.amount_minor = max(0, cap.amount_minor - cost.amount_minor)
        held.used_when_set = max(0, cap.used_when_set - int(calls))
        left.append(held)
    billed, whole = days
    components = tuple(
        replace(component, unit_price=component.unit_price * billed / whole)
        if component.model is PricingModel.FLAT
        else component
        for component in table.components
    )
    return left, replace(table, components=components)


def is_part(period: BillingPeriod) -> bool:
    """Whether a change of plan cut the period."""
    return period.part > 0 or period.whole.end != period.period_end


def _parts_before(period: BillingPeriod, rows: Sequence[BillingPeriod]) -> list[BillingPeriod]:
    """Return the parts right before this one that have the same prices, in order."""
    found: list[BillingPeriod] = []
    for row in sorted(rows, key=lambda row: -row.part):
        if row.part >= period.part:
            continue
        if row.price_version_id != period.price_version_id:
            break
        found.insert(0, row)
    return found


def _share_of_days(period: BillingPeriod, begin: datetime) -> Decimal:
    """Return which part of the whole period's days lies between a moment and the part's end."""
    subscription, whole = period.subscription, period.whole
    days = local_day(subscription, period.period_end) - local_day(subscription, begin)
    whole_days = local_day(subscription, whole.end) - local_day(subscription, whole.start)
    return Decimal(days.days) / whole_days.days


def _spent(parts: Sequence[BillingPeriod]) -> Mapping[UUID, Decimal]:
    """Return by component what parts were charged for usage, rounded as on the invoice."""
    if not parts:
        return {}
    rows = RatedCharge.objects.filter(run__period__in=parts, run__kind=RunKind.CLOSING)
    found: dict[UUID, Decimal] = {}
    for row in rows:
        found[row.component_id] = found.get(row.component_id, ZERO) + _rounded(row).amount
    return found


def _rounded(charge: RatedCharge) -> Money:
    return Money.from_decimal(Decimal(charge.calculation["amount_exact"]), charge.currency)

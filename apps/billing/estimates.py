"""What the running periods would cost: rated now, and as they will end if calls go on as in the last week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from apps.billing.documents.explanations import describe_step
from apps.billing.documents.model import LineStep
from apps.billing.models import BillingPeriod
from apps.billing.period_promotions import PeriodPromotions, promotions_of
from apps.billing.selectors import list_open_periods
from apps.billing.services.rating import days_of, priced_for, usages_for, waived_of
from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.money import Money, sum_money
from apps.pricing.calculator import Charge, rate, round_line
from apps.pricing.models import CALLS_METER
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.costs import CostOutlook
from apps.usage.selectors import meter_of, projectable_meters, quantities_for

PACE_SPAN: Final = timedelta(days=7)
SECOND: Final = timedelta(seconds=1)
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class EstimatedLine:
    """One price component of a running period."""

    name: str
    charge: Charge
    amount: Money
    projected: Money

    @property
    def steps(self) -> list[LineStep]:
        """The working of `amount` in the reader's words."""
        return [describe_step(step, self.amount.currency) for step in self.charge.steps]


@dataclass(frozen=True, slots=True)
class EstimatedDiscount:
    """What a promotion takes off a running period; both amounts are zero or negative."""

    name: str
    amount: Money
    projected: Money


@dataclass(frozen=True, slots=True)
class PeriodEstimate:
    """A running period: `so_far` if it ended now, `projected` at the pace of the last week. Less promotions, before tax."""

    period: BillingPeriod
    lines: tuple[EstimatedLine, ...]
    discounts: tuple[EstimatedDiscount, ...]
    so_far: Money
    projected: Money


def estimate_periods(periods: Sequence[BillingPeriod]) -> list[PeriodEstimate]:
    """Rate running periods with what has been counted. Two queries for usage and three for promotions, whatever their number.

    The periods come from `selectors.list_open_periods`, which loads prices.
    """
    running = [
        _Running(period, clock.business_now(period.consumer_organization)) for period in periods
    ]
    counted = quantities_for([item.whole for item in running])
    recent = quantities_for([item.recent for item in running])
    growing = growing_meters(periods, recent.values())
    promotions = promotions_of({item.period: counted[item.whole] for item in running})
    return [
        _estimate(
            item,
            counted[item.whole],
            growing_only(item.period, recent[item.recent], growing),
            promotions[item.period],
        )
        for item in running
    ]


def growing_meters(
    periods: Sequence[BillingPeriod], recent: Iterable[Mapping[str, Decimal]]
) -> set[tuple[UUID, str]]:
    """Return which meters beside `calls` a pace makes sense of: no maximum, average or level. A query if there are any."""
    if all(quantities.keys() <= {CALLS_METER} for quantities in recent):
        return set()
    return projectable_meters([period.subscription.api_id for period in periods])


def growing_only(
    period: BillingPeriod, recent: Mapping[str, Decimal], growing: AbstractSet[tuple[UUID, str]]
) -> dict[str, Decimal]:
    """Leave out the meters that a pace makes no sense of."""
    api_id = period.subscription.api_id
    return {
        meter: quantity
        for meter, quantity in recent.items()
        if meter == CALLS_METER or (api_id, meter_of(meter)) in growing
    }


def outlooks(actor: Actor) -> list[CostOutlook]:
    """Return what the organization's running periods cost, per currency, for the usage pages."""
    found = estimate_periods(list(list_open_periods(actor)))
    if not found:
        return []
    first_end = min(item.period.period_end for item in found)
    return [CostOutlook(*pair, first_end) for pair in totals_by_currency(found)]


def totals_by_currency(estimates: Sequence[PeriodEstimate]) -> list[tuple[Money, Money]]:
    """Sum estimates per currency: pairs of so far and projected."""
    currencies = sorted({item.so_far.currency for item in estimates})
    return [
        (
            sum_money((e.so_far for e in estimates if e.so_far.currency == currency), currency),
            sum_money((e.projected for e in estimates if e.so_far.currency == currency), currency),
        )
        for currency in currencies
    ]


@dataclass(frozen=True, slots=True)
class _Running:
    """A period with the account's time at which it is looked at."""

    period: BillingPeriod
    now: datetime

    @property
    def whole(self) -> UsageQuestion:
        """The usage of the whole period that is charged."""
        return UsageQuestion(self.period.subscription_id, self.period.charged)

    @property
    def recent(self) -> UsageQuestion:
        """The usage of the last week, or of what there is of the subscription: at least an hour."""
        started = self.period.subscription.started_at or self.period.period_start
        start = max(self.now - PACE_SPAN, started)
        end = max(self.now, start + timedelta(hours=1))
        return UsageQuestion(self.period.subscription_id, Period(start, end))

    @property
    def time_left(self) -> timedelta:
        """How long the period still runs and is charged."""
        return max(timedelta(0), self.period.period_end - max(self.now, self.period.charged.start))


def _estimate(
    running: _Running,
    counted: Mapping[str, Decimal],
    recent: Mapping[str, Decimal],
    promotions: PeriodPromotions,
) -> PeriodEstimate:
    version = running.period.price_version
    table, days = priced_for(running.period), days_of(running.period)
    expected = at_pace(
        counted, recent, ahead=running.time_left, pace=running.recent.period.duration
    )
    free = waived_of(running.period, table, counted)
    free_later = waived_of(running.period, table, expected)
    now = rate(table, usages_for(table, counted, days, free)).charges
    at_end = rate(table, usages_for(table, expected, days, free_later)).charges
    lines = [
        EstimatedLine(
            row.name, charge, round_line(charge, table.currency), round_line(later, table.currency)
        )
        for row, charge, later in zip(version.components.all(), now, at_end, strict=True)
    ]
    discounts = _discounts(
        promotions,
        so_far=promotions.lowering(running.period, now, counted),
        projected=promotions.lowering(running.period, at_end, expected),
    )
    parts: list[EstimatedLine | EstimatedDiscount] = [*lines, *discounts]
    return PeriodEstimate(
        running.period,
        tuple(lines),
        tuple(discounts),
        so_far=sum_money((part.amount for part in parts), table.currency),
        projected=sum_money((part.projected for part in parts), table.currency),
    )


def _discounts(
    promotions: PeriodPromotions,
    *,
    so_far: Mapping[str, Money],
    projected: Mapping[str, Money],
) -> list[EstimatedDiscount]:
    """Return what each promotion takes off, in the order in which they apply; those that take nothing off are left out."""
    found = []
    for key, name in promotions.names.items():
        amount = so_far.get(key) or projected.get(key)
        if not amount:
            continue
        nothing = Money.zero(amount.currency)
        found.append(EstimatedDiscount(name, so_far.get(key, nothing), projected.get(key, nothing)))
    return found


def at_pace(
    counted: Mapping[str, Decimal],
    recent: Mapping[str, Decimal],
    *,
    ahead: timedelta,
    pace: timedelta,
) -> dict[str, Decimal]:
    """Add to what is counted what a time ahead brings if it goes on as it did for the time `pace`. Whole units.

    A meter that `recent` leaves out stays as it is.
    """
    share = Decimal(max(0, ahead // SECOND)) / Decimal(pace // SECOND)
    return {
        meter: (counted.get(meter, ZERO) + recent[meter] * share).to_integral_value()
        if meter in recent
        else counted[meter]
        for meter in {*counted, *recent}
    }


def cost_of(
    period: BillingPeriod, counted: Mapping[str, Decimal], promotions: PeriodPromotions
) -> Money:
    """Return what a period costs with so much usage: the sum of its invoices' lines, less promotions and before tax.

    No query where prices and the subscription's `spend_caps` are prefetched.
    """
    table, days = priced_for(period), days_of(period)
    free = waived_of(period, table, counted)
    rated = rate(table, usages_for(table, counted, days, free))
    lowered = promotions.lowering(period, rated.charges, counted).values()
    return rated.total + sum_money(lowered, table.currency)

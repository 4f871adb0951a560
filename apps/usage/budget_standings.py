"""Where budgets stand: used, expected, of how much, until when. Computed when it is asked, from windows and prices.

So a plan change, a top-up, a late call or a moved test clock shows at once.

Source: docs/domain/alerts.md §1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Q

from apps.core import clock
from apps.core.clock import Period
from apps.core.formatting import format_money, format_number
from apps.core.money import Money
from apps.pricing.models import CALLS_METER
from apps.subscriptions.calendar import period_at
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import Interval, IntervalUnit, billing_period, local_date
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.costs import CostQuestion, span_costs
from apps.usage.enums import BudgetPeriod
from apps.usage.models import Budget
from apps.usage.selectors import projectable_meters, quantities_for

MONTH: Final = Interval(IntervalUnit.MONTH)
PACE_SPAN: Final = timedelta(days=7)
LEAST_PACE: Final = timedelta(hours=1)
HUNDRED: Final = Decimal(100)
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class BudgetStanding:
    """What is used of a budget in a period, and what is expected at its end.

    Amounts are in units of the currency, or of the meter. `left_out` names currencies that are not counted.
    """

    budget: Budget
    period: Period
    at: datetime
    used: Decimal
    projected: Decimal
    left_out: tuple[str, ...] = ()

    @property
    def bound(self) -> Decimal:
        """The budget itself."""
        return bound_of(self.budget)

    @property
    def percent_used(self) -> int:
        """Whole percent that are used, rounded down; more than 100 when it is overdrawn."""
        return int(self.used * HUNDRED // self.bound)

    @property
    def percent_projected(self) -> int:
        """Whole percent that are expected to be used at the end of the period."""
        return int(self.projected * HUNDRED // self.bound)

    @property
    def tone(self) -> str:
        """How the page marks it."""
        if self.used >= self.bound:
            return "bad"
        return "warn" if self.projected >= self.bound else ""

    @property
    def used_text(self) -> str:
        """What is used, in the reader's notation."""
        return show_amount(self.budget, self.used)

    @property
    def projected_text(self) -> str:
        """What is expected, in the reader's notation."""
        return show_amount(self.budget, self.projected)

    @property
    def bound_text(self) -> str:
        """The budget, in the reader's notation."""
        return show_amount(self.budget, self.bound)


def bound_of(budget: Budget) -> Decimal:
    """Return a budget's amount in units of its currency, or its quantity."""
    amount = budget.amount
    return amount.amount if amount is not None else (budget.quantity or ZERO)


def show_amount(budget: Budget, value: Decimal) -> str:
    """Write an amount of a budget's kind in the reader's notation."""
    if budget.currency:
        return format_money(Money.from_decimal(value, budget.currency))
    return format_number(value.normalize() if value % 1 else value.to_integral_value())


def plain_quantity(value: Decimal) -> str:
    """Write a quantity for programs, without needless zeros."""
    return f"{value.normalize():f}"


def period_of(budget: Budget, at: datetime) -> Period:
    """Return the budget's period that holds a moment of the account's time.

    The budget comes with `organization`, and with `subscription__price_version` if it is of a billing period.
    """
    if budget.period == BudgetPeriod.BILLING_PERIOD and budget.subscription is not None:
        return period_at(budget.subscription, at)
    zone = budget.organization.timezone
    first = local_date(at, zone).replace(day=1)
    return billing_period(date(first.year, first.month, 1), MONTH, index=0, timezone=zone)


def standings_of(budgets: Sequence[Budget]) -> dict[UUID, BudgetStanding]:
    """Return where budgets stand now. Eight queries at most, whatever their number."""
    now = {budget.pk: clock.business_now(budget.organization) for budget in budgets}
    asked = [(budget, period_of(budget, now[budget.pk]), now[budget.pk]) for budget in budgets]
    return {item.budget.pk: item for item in standings_at(asked)}


def standings_at(asked: Sequence[tuple[Budget, Period, datetime]]) -> list[BudgetStanding]:
    """Return where budgets stood in given periods at given moments, in that order. Eight queries at most."""
    money = {item: _cost_question(*item) for item in asked if item[0].currency}
    costs = span_costs(money.values())
    quantities = _quantities([item for item in asked if not item[0].currency])
    found = []
    for item in asked:
        budget, period, at = item
        if budget.currency:
            cost = costs[money[item]]
            found.append(
                BudgetStanding(
                    *item,
                    used=cost.so_far.amount,
                    projected=cost.projected.amount,
                    left_out=tuple(sorted(cost.left_out)),
                )
            )
        else:
            used, projected = quantities[budget.pk, period, at]
            found.append(BudgetStanding(budget, period, at, used, projected))
    return found


def _cost_question(budget: Budget, period: Period, at: datetime) -> CostQuestion:
    return CostQuestion(
        organization_id=budget.organization_id,
        span=period,
        at=at,
        currency=budget.currency,
        subscription_id=budget.subscription_id,
        api_id=budget.api_id,
    )


def _quantities(
    asked: Sequence[tuple[Budget, Period, datetime]],
) -> dict[tuple[UUID, Period, datetime], tuple[Decimal, Decimal]]:
    """Add quantities up over subscriptions: as counted, and at the pace of the last week. Three queries at most.

    A maximum, an average or a level has no pace: it stays as it is.
    """
    if not asked:
        return {}
    rows = list(
        Subscription.objects.filter(_covered_by(asked)).only(
            "id", "api_id", "consumer_organization_id", "started_at", "created_at"
        )
    )
    sums: dict[tuple[UUID, Period, datetime], tuple[Decimal, Decimal]] = {}
    questions: dict[
        tuple[UUID, Period, datetime], list[tuple[UUID, UsageQuestion, UsageQuestion]]
    ] = {}
    for budget, period, at in asked:
        questions[budget.pk, period, at] = [
            (row.api_id, _until(row, period, at), _recent(row, at))
            for row in rows
            if _covers(budget, row)
        ]
    counted = quantities_for(
        list({one for found in questions.values() for _api, *pair in found for one in pair})
    )
    others = any(budget.meter != CALLS_METER for budget, _period, _at in asked)
    growing = projectable_meters([row.api_id for row in rows]) if others else set()
    for budget, period, at in asked:
        used = projected = ZERO
        left = max(timedelta(0), period.end - at)
        for api_id, whole, recent in questions[budget.pk, period, at]:
            quantity = counted[whole].get(budget.meter, ZERO)
            is_growing = budget.meter == CALLS_METER or (api_id, budget.meter) in growing
            lately = counted[recent].get(budget.meter, ZERO) if is_growing else ZERO
            share = Decimal(left // timedelta(seconds=1)) / Decimal(
                recent.period.duration // timedelta(seconds=1)
            )
            used += quantity
            projected += quantity + (lately * share).to_integral_value()
        sums[budget.pk, period, at] = used, projected
    return sums


def _covered_by(asked: Sequence[tuple[Budget, Period, datetime]]) -> Q:
    wanted = Q()
    for budget, _period, _at in asked:
        own = Q(consumer_organization_id=budget.organization_id)
        if budget.subscription_id:
            own &= Q(pk=budget.subscription_id)
        if budget.api_id:
            own &= Q(api_id=budget.api_id)
        wanted |= own
    return wanted


def _covers(budget: Budget, row: Subscription) -> bool:
    return (
        row.consumer_organization_id == budget.organization_id
        and budget.subscription_id in {None, row.pk}
        and budget.api_id in {None, row.api_id}
    )


def _until(row: Subscription, period: Period, at: datetime) -> UsageQuestion:
    end = min(period.end, max(at, period.start + timedelta(seconds=1)))
    return UsageQuestion(row.pk, Period(period.start, end))


def _recent(row: Subscription, at: datetime) -> UsageQuestion:
    started = row.started_at or row.created_at
    return UsageQuestion(row.pk, Period(min(max(at - PACE_SPAN, started), at - LEAST_PACE), at))

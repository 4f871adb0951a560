"""What a change of plan does to the fees of a running period, at the local day on which it is cut.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from apps.core.clock import Period
from apps.pricing.models import PriceComponent
from apps.subscriptions.bill_promotions import BillAsked
from apps.subscriptions.calendar import period_number_at
from apps.subscriptions.change_discounts import (
    QuotedDiscount,
    discounts_on,
    discounts_taken_back,
)
from apps.subscriptions.change_fees import FeeDue, QuotedFee
from apps.subscriptions.change_terms import Terms, flat_components
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date
from apps.subscriptions.running_periods import PrepaidFee, RunningPeriod


@dataclass(frozen=True, slots=True)
class Cut:
    """A running period at the day on which its plan changes, and the whole period that the new plan's fees are for."""

    subscription: Subscription
    running: RunningPeriod
    day: date
    coming: Period

    def lines(self, old: Terms, new: Terms, *, starts_period: bool) -> Iterable[QuotedFee]:
        """Yield what is given back, what is charged instead, and what each part costs in arrears."""
        prepaid = {fee.component_id for fee in self.running.prepaid}
        for fee in self.running.prepaid:
            given_back = self._given_back(fee)
            if given_back.billed_days:
                yield given_back
        whole = self._days(self.running.whole.start, self.running.whole.end)
        served = max(0, (self.day - self._first_day()).days)
        old_due = FeeDue.CLOSING if starts_period else FeeDue.PERIOD_END
        for row in flat_components(old.version):
            if row.flat_fee and row.pk not in prepaid and served:
                yield _fee(row, old, days=(served, whole), due=old_due)
        left = (self._date(self.coming.end) - self.day).days
        whole = self._days(self.coming.start, self.coming.end)
        for row in flat_components(new.version):
            if not row.flat_fee:
                continue
            if not row.billed_in_advance:
                days = (max(0, left - self._trial_days_left()), whole)
                yield _fee(row, new, days=days, due=FeeDue.PERIOD_END)
            elif self.subscription.status != SubscriptionStatus.TRIALING:
                yield _fee(row, new, days=(left, whole), due=FeeDue.NOW)

    def discounts(
        self, lines: Iterable[QuotedFee], new: Terms, *, starts_period: bool, tax_percent: Decimal
    ) -> Iterable[QuotedDiscount]:
        """Yield what goes back of discounts with the fees that go back, and what lowers the fees that are charged instead."""
        due = [line for line in lines if line.due == FeeDue.NOW]
        currency = new.version.currency
        taken_back = list(
            discounts_taken_back(
                self.running.prepaid,
                {line.component_id: line for line in due if line.is_credit},
                currency=currency,
                tax_percent=tax_percent,
            )
        )
        yield from taken_back
        number = period_number_at(self.subscription, self.running.span.start)
        # On a period's first day there is nothing before the change: the period keeps its number.
        begins = starts_period and self.day > self._date(self.running.whole.start)
        started = self.subscription.started_at or self.running.whole.start
        bill = BillAsked(
            subscription=self.subscription,
            plan_id=new.version.plan_id,
            number=number + 1 if begins else number,
            begins_at=max(self.running.whole.start, started),
            calls=0,
        )
        yield from discounts_on(
            [line for line in due if not line.is_credit],
            bill,
            taken_back=taken_back,
            same_period=not begins,
            currency=currency,
            tax_percent=tax_percent,
        )

    def _trial_days_left(self) -> int:
        """Return the days from the change on that the trial still covers; nothing is billed for them."""
        ends = self.subscription.trial_ends_at
        if self.subscription.status != SubscriptionStatus.TRIALING or ends is None:
            return 0
        return max(0, (self._date(ends) - self.day).days)

    def _given_back(self, fee: PrepaidFee) -> QuotedFee:
        """Give back the days that are left of what was charged, never more than was charged."""
        left = (self._date(self.running.whole.end) - self.day).days
        return QuotedFee(
            component_id=fee.component_id,
            plan_name=fee.plan_name,
            name=fee.name,
            meter=fee.meter,
            fee=-fee.fee,
            billed_days=max(0, min(left, fee.billed_days)),
            period_days=fee.period_days,
            due=FeeDue.NOW,
        )

    def _first_day(self) -> date:
        """Return the first day of the running part that is billed: a trial's days are not."""
        begins = [self.running.span.start]
        begins += [
            instant
            for instant in (self.subscription.started_at, self.subscription.trial_ends_at)
            if instant is not None
        ]
        return max(self._date(instant) for instant in begins)

    def _days(self, start: datetime, end: datetime) -> int:
        return (self._date(end) - self._date(start)).days

    def _date(self, instant: datetime) -> date:
        return local_date(instant, self.subscription.timezone)


def _fee(row: PriceComponent, terms: Terms, *, days: tuple[int, int], due: FeeDue) -> QuotedFee:
    return QuotedFee(
        component_id=row.pk,
        plan_name=terms.version.plan.name,
        name=row.name,
        meter=row.meter,
        fee=(row.flat_fee or Decimal(0)) * terms.quantity,
        billed_days=days[0],
        period_days=days[1],
        due=due,
    )

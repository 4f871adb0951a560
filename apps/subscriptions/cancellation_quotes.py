"""What cancelling at once gives back of fees that were paid in advance, by the plan's policy.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import Money, sum_money
from apps.pricing.enums import RefundPolicy
from apps.subscriptions.change_discounts import QuotedDiscount, discounts_taken_back, net_of
from apps.subscriptions.change_fees import FeeDue, QuotedFee
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date
from apps.subscriptions.running_periods import PrepaidFee, RunningPeriod, running_period


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One fee that goes back: its unused days as a credit, less their discounts, and the tax that was paid on them."""

    fee: QuotedFee
    tax_percent: Decimal
    discounts: tuple[QuotedDiscount, ...] = ()

    def net(self, currency: str) -> Money:
        """What goes back before tax, as a positive amount: what was paid."""
        return -self.fee.amount(currency) - net_of(self.discounts, currency)

    def tax(self, currency: str) -> Money:
        """The tax on it."""
        return Money.from_decimal(self.net(currency).amount * self.tax_percent / 100, currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationQuote:
    """What cancelling at once gives back. Amounts are positive."""

    policy: RefundPolicy
    currency: str
    at: datetime
    period_end: datetime
    parts: tuple[GivenBack, ...] = ()

    @property
    def discounts(self) -> tuple[QuotedDiscount, ...]:
        """What is taken back of the fees' discounts."""
        return tuple(item for part in self.parts for item in part.discounts)

    @property
    def net(self) -> Money:
        """What goes back before tax."""
        return sum_money((part.net(self.currency) for part in self.parts), self.currency)

    @property
    def tax(self) -> Money:
        """The tax that goes back with it."""
        return sum_money((part.tax(self.currency) for part in self.parts), self.currency)

    @property
    def total(self) -> Money:
        """What goes back in all."""
        return self.net + self.tax

    def to_json(self) -> dict[str, Any]:
        """Return what the row of the cancellation keeps."""
        return {
            "policy": self.policy.value,
            "net_minor": self.net.amount_minor,
            "tax_minor": self.tax.amount_minor,
            "lines": [
                {**part.fee.to_json(), "amount_minor": part.net(self.currency).amount_minor}
                for part in self.parts
            ],
            "discounts": [item.to_json() for item in self.discounts],
        }


def quote_cancellation(subscription: Subscription, *, at: datetime) -> CancellationQuote:
    """Work out what cancelling at a moment gives back; nothing is saved.

    The day of the cancellation is still used. A trial has paid nothing, and gets nothing back.
    """
    policy = RefundPolicy(subscription.plan.refund_policy)
    running = running_period(subscription, at)
    days = _days_back(policy, subscription, running, at)
    currency = subscription.price_version.currency
    parts = tuple(_given_back(fee, days(fee), currency) for fee in running.prepaid)
    return CancellationQuote(
        policy=policy,
        currency=currency,
        at=at,
        period_end=running.whole.end,
        parts=tuple(part for part in parts if part.fee.billed_days and part.fee.fee),
    )


def _days_back(
    policy: RefundPolicy, subscription: Subscription, running: RunningPeriod, at: datetime
) -> Callable[[PrepaidFee], int]:
    if policy == RefundPolicy.NONE:
        return lambda _fee: 0
    if policy == RefundPolicy.FULL:
        return lambda fee: fee.billed_days
    zone = subscription.timezone
    left = (local_date(running.whole.end, zone) - local_date(at, zone)).days - 1
    return lambda fee: max(0, min(left, fee.billed_days))


def _given_back(fee: PrepaidFee, days: int, currency: str) -> GivenBack:
    quoted = QuotedFee(
        component_id=fee.component_id,
        plan_name=fee.plan_name,
        name=fee.name,
        meter=fee.meter,
        fee=-fee.fee,
        billed_days=days,
        period_days=fee.period_days,
        due=FeeDue.NOW,
    )
    discounts = discounts_taken_back(
        [fee], {fee.component_id: quoted}, currency=currency, tax_percent=fee.tax_percent
    )
    return GivenBack(quoted, fee.tax_percent, tuple(discounts))

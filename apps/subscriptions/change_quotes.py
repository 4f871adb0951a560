"""What a change of plan costs: worked out once, for the preview and for the invoice.

Only fees change hands with a change. Usage, tiers and free units are never prorated: each part of the cut period is rated
with its own prices when it is closed.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from apps.core.money import Money, sum_money
from apps.pricing.selectors import tax_percent_of
from apps.subscriptions.calendar import period_at
from apps.subscriptions.change_cuts import Cut
from apps.subscriptions.change_discounts import QuotedDiscount, net_of, tax_of
from apps.subscriptions.change_fees import FeeDue, QuotedFee
from apps.subscriptions.change_terms import (
    Terms,
    direction_of,
    fees_of,
    first_period,
    schedule_of,
    terms_of,
)
from apps.subscriptions.enums import ChangeDirection, ChangeTiming
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date
from apps.subscriptions.running_periods import running_period

TOKEN_LENGTH: Final = 32


@dataclass(frozen=True, kw_only=True)
class ChangeQuote:
    """A change of plan as its preview shows it and as it is charged.

    Attributes:
        at: when it takes effect, in business time.
        starts_period: a new anchor and a new period begin, because the interval changes.
        running_until: when the period ends that runs once the change has taken effect.
        lines: every fee that the change moves; `due` says on which invoice it comes.
        discounts: what promotions take off the fees that are due now, and what goes back of them with fees that go back.
    """

    old: Terms
    new: Terms
    direction: ChangeDirection
    timing: ChangeTiming
    at: datetime
    day: date
    starts_period: bool
    running_until: datetime
    tax_percent: Decimal
    lines: tuple[QuotedFee, ...] = ()
    discounts: tuple[QuotedDiscount, ...] = ()

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.new.version.currency

    @cached_property
    def net(self) -> Money:
        """What the change adds to the invoice of its day, before tax: the rounded lines; negative is credit."""
        fees = self._sum(line for line in self.lines if line.due == FeeDue.NOW)
        return fees + net_of(self.discounts, self.currency)

    @cached_property
    def tax(self) -> Money:
        """The tax on it, rounded per line as on the invoice."""
        taxes = (
            Money.from_decimal(
                line.amount(self.currency).amount * self.tax_percent / 100, self.currency
            )
            for line in self.lines
            if line.due == FeeDue.NOW
        )
        return sum_money(taxes, self.currency) + tax_of(self.discounts, self.currency)

    @property
    def total(self) -> Money:
        """What is due with the change, tax included."""
        return self.net + self.tax

    @cached_property
    def later(self) -> Money:
        """The fees in arrears that the parts of the cut period will cost, before promotions and tax."""
        return self._sum(line for line in self.lines if line.due != FeeDue.NOW)

    @cached_property
    def fees_per_period(self) -> Money:
        """What the new plan's fees cost in a whole period, before tax."""
        return Money.from_decimal(fees_of(self.new), self.currency)

    @cached_property
    def token(self) -> str:
        """A digest of what is agreed to: another one means that the amounts or terms have changed meanwhile."""
        facts = {
            "old": [str(self.old.version.pk), self.old.quantity],
            "new": [str(self.new.version.pk), self.new.quantity],
            "timing": self.timing.value,
            "day": self.day.isoformat(),
            "until": self.running_until.isoformat(),
            "tax": str(self.tax_percent.normalize()),
            "lines": [line.to_json() for line in self.lines],
            "discounts": [item.to_json() for item in self.discounts],
        }
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:TOKEN_LENGTH]

    def to_json(self) -> dict[str, Any]:
        """Return what the row of the change keeps."""
        return {
            "direction": self.direction.value,
            "timing": self.timing.value,
            "starts_period": self.starts_period,
            "running_until": self.running_until.isoformat(),
            "tax_minor": self.tax.amount_minor,
            "lines": [
                {**line.to_json(), "amount_minor": line.amount(self.currency).amount_minor}
                for line in self.lines
            ],
            "discounts": [item.to_json() for item in self.discounts],
        }

    def _sum(self, lines: Iterable[QuotedFee]) -> Money:
        return sum_money((line.amount(self.currency) for line in lines), self.currency)


def quote_change(
    subscription: Subscription,
    new: Terms,
    *,
    at: datetime,
    timing: ChangeTiming,
    effective_at: datetime | None = None,
) -> ChangeQuote:
    """Work out a change of plan; nothing is saved.

    Args:
        subscription: with `consumer_organization` and `price_version`.
        at: business time at which it is asked for.
        effective_at: when it takes effect, if that is neither `at` nor the end of the period that runs then.
    """
    old, zone = terms_of(subscription), subscription.timezone
    country = subscription.consumer_organization.country
    running = running_period(subscription, at)
    starts_period = schedule_of(old.version) != schedule_of(new.version)
    if effective_at is None:
        effective_at = at if timing == ChangeTiming.NOW else running.whole.end
    day = local_date(effective_at, zone)
    tax_percent = tax_percent_of(country=country, day=day)
    lines: tuple[QuotedFee, ...] = ()
    discounts: tuple[QuotedDiscount, ...] = ()
    coming = first_period(new.version, day, zone)
    if starts_period:
        until = coming.end
    elif timing == ChangeTiming.NOW:
        until = running.whole.end
    else:
        until = period_at(subscription, effective_at).end
    if timing == ChangeTiming.NOW:
        cut = Cut(subscription, running, day, coming if starts_period else running.whole)
        lines = tuple(cut.lines(old, new, starts_period=starts_period))
        discounts = tuple(
            cut.discounts(lines, new, starts_period=starts_period, tax_percent=tax_percent)
        )
    return ChangeQuote(
        old=old,
        new=new,
        direction=direction_of(old, new),
        timing=timing,
        at=effective_at,
        day=day,
        starts_period=starts_period,
        running_until=until,
        tax_percent=tax_percent,
        lines=lines,
        discounts=discounts,
    )

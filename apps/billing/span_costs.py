"""What subscriptions cost within any span of time, such as a calendar month that cuts billing periods in two.

A period's cost until a moment is what its invoice would say if the period had ended then, less promotions: fees are due with
the period's first moment, usage as it was counted. A span's cost is the sum, over the periods that it touches, of the
cost until the span's end less the cost until its start. So the costs of adjacent spans add up to the invoices.

Source: docs/domain/alerts.md §1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Q

from apps.billing.estimates import PACE_SPAN, at_pace, cost_of, growing_meters, growing_only
from apps.billing.models import BillingPeriod
from apps.billing.period_promotions import (
    NO_PROMOTIONS,
    PeriodPromotions,
    promotions_of,
)
from apps.core.clock import Period
from apps.core.money import Money
from apps.subscriptions.calendar import numbered_period
from apps.subscriptions.enums import ENDED_STATUSES
from apps.subscriptions.models import Subscription
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.costs import CostQuestion, SpanCost
from apps.usage.selectors import quantities_for

LEAST_PACE: Final = timedelta(hours=1)
Counted = Mapping[str, Decimal]
CountedIn = Callable[[UsageQuestion], Counted]


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a billing period lies in a question's span; `growing` are the meters that a pace makes sense of."""

    period: BillingPeriod
    question: CostQuestion
    growing: AbstractSet[tuple[UUID, str]] = frozenset()
    promotions: PeriodPromotions = NO_PROMOTIONS

    @property
    def start(self) -> datetime:
        return max(self.period.period_start, self.question.span.start)

    @property
    def end(self) -> datetime:
        return min(self.period.period_end, self.question.span.end)

    @property
    def cut(self) -> datetime:
        """Until when the part is lived through."""
        return max(self.start, min(self.end, self.question.at))

    def usage_until(self, moment: datetime) -> UsageQuestion | None:
        """Ask for the period's usage before a moment; None for its first one, and in a trial."""
        begin = self.period.charged.start
        if moment <= begin:
            return None
        return UsageQuestion(self.period.subscription_id, Period(begin, moment))

    @property
    def recent(self) -> UsageQuestion:
        """Ask for the usage of the last week, or of what there is of it."""
        started = self.period.subscription.started_at or self.period.period_start
        at = self.question.at
        start = min(max(at - PACE_SPAN, started), at - LEAST_PACE)
        return UsageQuestion(self.period.subscription_id, Period(start, at))

    def asked(self) -> Iterator[UsageQuestion]:
        """Yield every question about usage that the part needs."""
        for moment in (self.start, self.cut):
            found = self.usage_until(moment)
            if found is not None:
                yield found
        if self.end > self.question.at:
            yield self.recent


def span_costs_for(questions: Sequence[CostQuestion]) -> dict[CostQuestion, SpanCost]:
    """Answer questions about costs: nine queries, whatever their number.

    One more where there are meters beside calls, and those of `promotions_of` where there are promotions.
    """
    periods = _periods_of(questions)
    parts = {
        question: [_Part(row, question) for row in periods if _touches(row, question)]
        for question in questions
    }
    asked = {usage for found in parts.values() for part in found for usage in part.asked()}
    counted = quantities_for(list(asked)) if asked else {}

    def counted_in(usage: UsageQuestion) -> Counted:
        return counted[usage]

    growing = growing_meters(periods, counted.values())
    promotions = promotions_of(_usage_by_period(parts.values(), counted_in)) if asked else {}
    return {
        question: _answer(
            question,
            [
                replace(
                    part,
                    growing=growing,
                    promotions=promotions.get(part.period, NO_PROMOTIONS),
                )
                for part in found
            ],
            counted_in,
        )
        for question, found in parts.items()
    }


def _usage_by_period(
    parts: Iterable[Sequence[_Part]], counted_in: CountedIn
) -> dict[BillingPeriod, Counted]:
    """Return the usage by which promotions ask for a least number of calls: the latest that was asked for."""
    latest = sorted((part for found in parts for part in found), key=lambda part: part.cut)
    usage = [(part.period, part.usage_until(part.cut)) for part in latest]
    return {period: counted_in(asked) if asked else {} for period, asked in usage}


def _periods_of(questions: Sequence[CostQuestion]) -> list[BillingPeriod]:
    wanted = Q()
    for organization_id in {question.organization_id for question in questions}:
        own = [item.span for item in questions if item.organization_id == organization_id]
        wanted |= Q(
            consumer_organization_id=organization_id,
            period_end__gt=min(span.start for span in own),
            period_start__lt=max(span.end for span in own),
        )
    return list(
        BillingPeriod.objects.filter(wanted)
        .select_related("subscription__price_version", "price_version")
        .prefetch_related(
            "price_version__components__tiers",
            "subscription__price_version__components__tiers",
            "subscription__spend_caps",
        )
        .order_by("period_start", "id")
    )


def _touches(row: BillingPeriod, question: CostQuestion) -> bool:
    return (
        row.consumer_organization_id == question.organization_id
        and row.period_end > question.span.start
        and row.period_start < min(question.span.end, question.at)
        and question.subscription_id in {None, row.subscription_id}
        and question.api_id in {None, row.subscription.api_id}
    )


def _answer(question: CostQuestion, parts: list[_Part], counted_in: CountedIn) -> SpanCost:
    own = [part for part in parts if part.period.price_version.currency == question.currency]
    so_far = projected = Money.zero(question.currency)
    newest: dict[object, _Part] = {}
    for part in own:
        spent, expected = _costs(part, counted_in)
        so_far, projected = so_far + spent, projected + expected
        newest[part.period.subscription_id] = part
    for part in newest.values():
        projected += _coming(part, counted_in)
    left_out = {part.period.price_version.currency for part in parts} - {question.currency}
    return SpanCost(so_far, projected, frozenset(left_out))


def _costs(part: _Part, counted_in: CountedIn) -> tuple[Money, Money]:
    """Return what a part has cost, and what it will have cost at its end."""
    base = Money.zero(part.question.currency)
    before = part.usage_until(part.start)
    if before is not None:
        base = cost_of(part.period, counted_in(before), part.promotions)
    until_cut = part.usage_until(part.cut)
    counted: Counted = counted_in(until_cut) if until_cut else {}
    spent = cost_of(part.period, counted, part.promotions)
    if part.end <= part.question.at:
        return spent - base, spent - base
    expected = _at_pace(part, counted, part.end, counted_in)
    return spent - base, cost_of(part.period, expected, part.promotions) - base


def _at_pace(
    part: _Part, counted: Counted, until: datetime, counted_in: CountedIn
) -> dict[str, Decimal]:
    recent, at = part.recent, part.question.at
    return at_pace(
        counted,
        growing_only(part.period, counted_in(recent), part.growing),
        ahead=until - max(at, part.period.period_start),
        pace=recent.period.duration,
    )


def _coming(part: _Part, counted_in: CountedIn) -> Money:
    """Return what the periods that will begin within the span are expected to cost in it."""
    total = Money.zero(part.question.currency)
    if part.end <= part.question.at:
        return total
    subscription, number = part.period.subscription, part.period.number + 1
    while (span := _coming_period(subscription, number, part.question.span)) is not None:
        coming = BillingPeriod(
            subscription=subscription,
            price_version=subscription.price_version,
            quantity=subscription.quantity,
            consumer_organization_id=part.period.consumer_organization_id,
            number=number,
            period_start=span.start,
            period_end=span.end,
        )
        if coming.price_version.currency != part.question.currency:
            break
        virtual = replace(part, period=coming)
        usage = _at_pace(virtual, {}, virtual.end, lambda _asked: counted_in(part.recent))
        ahead = number - part.period.number
        promotions = part.promotions.coming(ahead, part.question.currency)
        total += cost_of(coming, usage, promotions)
        number += 1
    return total


def _coming_period(subscription: Subscription, number: int, within: Period) -> Period | None:
    """Return a period that begins within a span, unless the subscription has ended by then."""
    span = numbered_period(subscription, number)
    ends = subscription.ends_at or subscription.ended_at
    has_ended = (
        subscription.status in ENDED_STATUSES
        or subscription.cancel_at_period_end
        or (ends is not None and ends <= span.start)
    )
    return None if has_ended or span.start >= within.end else span

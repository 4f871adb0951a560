"""Where a subscription stands in its period: used, limit, reset, and when the quota will be used up at this pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from apps.core import clock
from apps.core.clock import Period
from apps.core.plots import Spark, draw_spark
from apps.gateway.quotas import find_live_quotas
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import QuotaStanding, quota_standings
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.models import UsageWindow
from apps.usage.selectors import used_calls_for
from apps.usage.series import usage_series

PACE_SPAN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SubscriptionUsage:
    """What the visitor of a subscription wants to know first.

    `exhausted_at` is None where the quota lasts beyond the period, or there is none; a moment that has passed
    means it is used up now.
    """

    quota: QuotaStanding
    calls_per_day: int
    exhausted_at: datetime | None

    @property
    def resets_at(self) -> datetime:
        """When counting starts again."""
        return self.quota.period.end


def subscription_usages(subscriptions: Sequence[Subscription]) -> dict[UUID, SubscriptionUsage]:
    """Return where subscriptions stand. Three queries, whatever their number.

    The subscriptions come with `consumer_organization` and `price_version`.
    """
    standings = live_standings(subscriptions)
    nows = {row.pk: clock.business_now(row.consumer_organization) for row in subscriptions}
    questions = {row.pk: UsageQuestion(row.pk, _recent(row, nows[row.pk])) for row in subscriptions}
    recent = used_calls_for(list(questions.values()))
    return {
        row.pk: _usage(standings[row.pk], recent[questions[row.pk]], questions[row.pk].period)
        for row in subscriptions
    }


def live_standings(subscriptions: Sequence[Subscription]) -> dict[UUID, QuotaStanding]:
    """Return how much of each quota is used: by the gateway's counter where it answers, else by what was counted.

    Two queries, whatever their number.
    """
    rows = list(subscriptions)
    standings = quota_standings(rows)
    live = find_live_quotas([row.public_id for row in rows])
    for row in rows:
        quota, counted = live.get(row.public_id), standings[row.pk]
        if quota is not None and quota.period == counted.period:
            standings[row.pk] = replace(counted, used=quota.used)
    return standings


def subscription_usage(subscription: Subscription) -> SubscriptionUsage:
    """Return where one subscription stands."""
    return subscription_usages([subscription])[subscription.pk]


def recent_trend(subscription: Subscription, label: str) -> Spark:
    """Draw the calls per day of the last month as a small line. One query."""
    now = clock.business_now(subscription.consumer_organization)
    windows = UsageWindow.objects.filter(subscription=subscription)
    period = Period(now - timedelta(days=30), now)
    points = usage_series(windows, period=period, by_day=True, timezone=subscription.timezone)
    return draw_spark(label, [point.calls for point in points])


def _recent(subscription: Subscription, now: datetime) -> Period:
    started = subscription.started_at or subscription.created_at
    start = max(now - PACE_SPAN, min(started, now - timedelta(hours=1)))
    return Period(start, now)


def _usage(quota: QuotaStanding, recent: int, span: Period) -> SubscriptionUsage:
    seconds = span.duration.total_seconds()
    per_day = round(recent * timedelta(days=1).total_seconds() / seconds)
    if quota.remaining is None:
        return SubscriptionUsage(quota, per_day, None)
    if quota.remaining == 0:
        return SubscriptionUsage(quota, per_day, span.end)
    if not recent:
        return SubscriptionUsage(quota, per_day, None)
    exhausted_at = span.end + timedelta(seconds=quota.remaining * seconds / recent)
    is_in_time = exhausted_at < quota.period.end
    return SubscriptionUsage(quota, per_day, exhausted_at if is_in_time else None)

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
from apps.usage.models import UsageAlert, UsageWindow
from apps.usage.placement import window_start_of
from apps.usage.selectors import used_calls_for
from apps.usage.series import usage_series

PACE_SPAN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SubscriptionUsage:
    """What the visitor of a subscription wants to know first.

    `pace_calls` were made in `pace_span`: the last 7 days, or since the subscription began. `exhausted_at` goes on at that
    pace: None where the quota lasts beyond the period, or there is none; a moment that has passed means it is used up now.
    """

    quota: QuotaStanding
    pace_calls: int
    pace_span: Period

    @property
    def calls_per_day(self) -> int:
        """The pace, rounded."""
        return round(self.pace_calls / (self.pace_span.duration / timedelta(days=1)))

    @property
    def is_whole_week(self) -> bool:
        """Whether the pace is that of seven days; else the subscription is younger."""
        return self.pace_span.duration >= PACE_SPAN

    @property
    def exhausted_at(self) -> datetime | None:
        """When the quota is used up at this pace."""
        return self.runs_out_at(self.quota.remaining)

    def runs_out_at(self, left: int | None) -> datetime | None:
        """Return when so many calls are made at this pace; now when none is left, None if not within the period."""
        if left is None or (left and not self.pace_calls):
            return None
        moment = self.pace_span.end
        if left:
            takes = self.pace_span.duration * left / self.pace_calls
            if takes > self.quota.period.duration:
                return None
            moment += takes
        return moment if moment < self.quota.period.end else None

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
    spans = {row.pk: _recent(row, nows[row.pk]) for row in subscriptions}
    questions = {
        row.pk: UsageQuestion(row.pk, _by_window(row, spans[row.pk])) for row in subscriptions
    }
    recent = used_calls_for(list(questions.values()))
    return {
        row.pk: SubscriptionUsage(standings[row.pk], recent[questions[row.pk]], spans[row.pk])
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


def _by_window(subscription: Subscription, span: Period) -> Period:
    """Begin with the window in which the span begins: it holds the first calls of a new subscription."""
    return Period(window_start_of(span.start, subscription.timezone), span.end)


def warnings_of(subscription: Subscription, period: Period) -> list[UsageAlert]:
    """Return what the consumer was told in a period about a quota or a spend cap that runs low, newest first. One query."""
    alerts = UsageAlert.objects.filter(subscription=subscription, period_start=period.start)
    return list(alerts.order_by("-id"))

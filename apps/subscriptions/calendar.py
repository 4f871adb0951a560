"""A subscription's billing periods, counted from its anchor in its time zone."""

from __future__ import annotations

from datetime import datetime

from apps.core.clock import Period
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import (
    Interval,
    IntervalUnit,
    billing_period,
    billing_period_at,
    billing_period_index,
    local_date,
)


def interval_of(subscription: Subscription) -> Interval:
    """Return how long the subscription's periods are."""
    version = subscription.price_version
    return Interval(IntervalUnit(version.interval), version.interval_count)


def period_at(subscription: Subscription, instant: datetime) -> Period:
    """Return the period of business time that holds an instant (which is business time, too)."""
    return billing_period_at(
        local_date(subscription.anchor, subscription.timezone),
        interval_of(subscription),
        at=instant,
        timezone=subscription.timezone,
    )


def period_number_at(subscription: Subscription, instant: datetime) -> int:
    """Return the number of the period that holds an instant; the first one is 0."""
    return billing_period_index(
        local_date(subscription.anchor, subscription.timezone),
        interval_of(subscription),
        at=instant,
        timezone=subscription.timezone,
    )


def numbered_period(subscription: Subscription, number: int) -> Period:
    """Return the period with that number, from 0."""
    return billing_period(
        local_date(subscription.anchor, subscription.timezone),
        interval_of(subscription),
        index=number,
        timezone=subscription.timezone,
    )

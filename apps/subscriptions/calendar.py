"""A subscription's billing periods, counted from its anchor in its time zone.

A subscription whose plan follows the calendar is counted from the first day of the calendar unit that it started in. The periods
before a move to another time zone keep the zone that they had (`past_zones`).

Source: docs/domain/periods.md.
"""

from __future__ import annotations

from datetime import date, datetime

from apps.core.clock import Period
from apps.pricing.enums import Alignment
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import (
    Interval,
    IntervalUnit,
    billing_period,
    billing_period_index,
    calendar_anchor,
    local_date,
)
from apps.subscriptions.proration import DayRange


def interval_of(subscription: Subscription) -> Interval:
    """Return how long the subscription's periods are."""
    version = subscription.price_version
    return Interval(IntervalUnit(version.interval), version.interval_count)


def first_zone(subscription: Subscription) -> str:
    """Return the time zone in which the subscription was anchored."""
    moves = subscription.past_zones
    return str(moves[0]["timezone"]) if moves else subscription.timezone


def anchor_day(subscription: Subscription) -> date:
    """Return the local day from which every period of the subscription is counted."""
    day = local_date(subscription.anchor, first_zone(subscription))
    if subscription.price_version.alignment == Alignment.CALENDAR:
        return calendar_anchor(day, interval_of(subscription).unit)
    return day


def zone_of_period(subscription: Subscription, number: int) -> str:
    """Return the time zone in which the period with that number ends."""
    for move in subscription.past_zones:
        if number < move["number"]:
            return str(move["timezone"])
    return subscription.timezone


def local_day(subscription: Subscription, instant: datetime) -> date:
    """Return the day that an instant fell on in the zone that the account had then."""
    for move in subscription.past_zones:
        if instant < datetime.fromisoformat(move["moved_at"]):
            return local_date(instant, move["timezone"])
    return local_date(instant, subscription.timezone)


def period_at(subscription: Subscription, instant: datetime) -> Period:
    """Return the period of business time that holds an instant (which is business time, too)."""
    return numbered_period(subscription, period_number_at(subscription, instant))


def period_number_at(subscription: Subscription, instant: datetime) -> int:
    """Return the number of the period that holds an instant; the first one is 0."""
    number = subscription.anchor_number + billing_period_index(
        anchor_day(subscription),
        interval_of(subscription),
        at=instant,
        timezone=subscription.timezone,
    )
    # Near a move to another zone the guess, which knows one zone only, may be off.
    while numbered_period(subscription, number).start > instant:
        number -= 1
    while numbered_period(subscription, number).end <= instant:
        number += 1
    return number


def numbered_period(subscription: Subscription, number: int) -> Period:
    """Return the period with that number, from 0.

    The period in which the account moved to another time zone starts where the one before it ended, and ends by the new zone.
    """
    span = billing_period(
        anchor_day(subscription),
        interval_of(subscription),
        index=number - subscription.anchor_number,
        timezone=zone_of_period(subscription, number),
    )
    for move in subscription.past_zones:
        if number == move["number"]:
            return Period(datetime.fromisoformat(move["start"]), span.end)
    return span


def days_of_period(subscription: Subscription, number: int) -> DayRange:
    """Return the local days of the period with that number: the same ones in whichever zone."""
    anchor, interval = anchor_day(subscription), interval_of(subscription)
    index = number - subscription.anchor_number
    return DayRange(interval.after(anchor, index), interval.after(anchor, index + 1))

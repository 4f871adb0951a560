"""How much one key was used lately, for its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from apps.core import clock
from apps.core.plots import Spark, draw_spark
from apps.keys.models import ApiKey
from apps.pricing.models import CALLS_METER
from apps.usage.models import UsageEvent, UsageWindow

DAYS: Final = 30
# Calls are counted per subscription, not per key, so those of a key are counted from its events. A page must not
# read more of them than this.
MAX_EVENTS: Final = 200_000


@dataclass(frozen=True, slots=True)
class KeyTrend:
    """The calls of a key in the last 30 days, and the line of them."""

    calls: int
    line: Spark


def key_trend(key: ApiKey, label: str) -> KeyTrend | None:
    """Return how much a key was used; None where its subscription has more calls than a page may count.

    Two queries. The days are those of the subscription's time zone.
    """
    subscription = key.subscription
    now = clock.business_now(key.organization)
    since = now - timedelta(days=DAYS)
    windows = UsageWindow.objects.filter(
        subscription=subscription, meter=CALLS_METER, window_start__gte=since
    )
    total = windows.order_by().aggregate(total=Sum("event_count"))["total"] or 0
    if total > MAX_EVENTS:
        return None
    zone = ZoneInfo(subscription.timezone)
    events = UsageEvent.objects.filter(
        subscription_id=subscription.pk, occurred_at__gt=since, occurred_at__lte=now, key_id=key.pk
    )
    per_day = events.order_by().annotate(day=TruncDate("occurred_at", tzinfo=zone))
    found: dict[date, int] = dict(
        per_day.values("day").annotate(calls=Count("pk")).values_list("day", "calls")
    )
    today = now.astimezone(zone).date()
    days = [found.get(today - timedelta(days=back), 0) for back in range(DAYS, -1, -1)]
    return KeyTrend(sum(days), draw_spark(label, days))

"""Closing usage: windows that no longer change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.core import clock
from apps.core.clock import Period
from apps.core.events import publish
from apps.subscriptions.models import Subscription
from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S
from apps.usage.enums import WindowStatus
from apps.usage.events import UsageClosed
from apps.usage.exceptions import UsageNotComplete
from apps.usage.models import UsageCutoff, UsageWindow
from apps.usage.selectors import quantities_in, usage_is_complete, watermark_has_passed

CLOSED_AT_ONCE: Final = 1_000
# An intake that is about to commit has read its time already.
CLOSING_GRACE: Final = timedelta(seconds=5)
# `frontier` is until when everything that came is processed. A sandbox's clock may have jumped after the window was made.
_CLOSE_WINDOWS: Final = """
    WITH frontier AS (
        SELECT LEAST(%(now)s, MIN(available_at)) AS at FROM usage_usagebatch WHERE status = 'pending'
    ), due AS (
        SELECT w.id FROM usage_usagewindow w, frontier
        WHERE w.status = 'open' AND w.watermark_at <= frontier.at
        UNION
        SELECT w.id FROM usage_usagewindow w
        JOIN accounts_organization o ON o.id = w.consumer_organization_id AND o.clock_offset > interval '0'
        LEFT JOIN usage_meter m ON m.api_id = w.api_id AND m.key = w.meter
        CROSS JOIN frontier
        WHERE w.status = 'open' AND w.window_end
            + make_interval(secs => COALESCE(m.watermark_delay_s, %(delay)s)) <= frontier.at + o.clock_offset
        LIMIT %(most)s
    ), free AS (
        SELECT w.id FROM usage_usagewindow w WHERE w.id IN (SELECT id FROM due) AND w.status = 'open'
        FOR UPDATE SKIP LOCKED
    )
    UPDATE usage_usagewindow w SET status = 'closed', closed_at = %(closed_at)s
    FROM free WHERE w.id = free.id
"""


@dataclass(frozen=True, slots=True)
class ClosedUsage:
    """The closed windows of a period: what rating starts from.

    `quantities` maps each meter to its priced units; `window_revisions` maps window ids to the revision counted.
    """

    quantities: dict[str, Decimal]
    window_revisions: dict[UUID, int]


@transaction.atomic
def close_usage(
    *,
    subscription: Subscription,
    period: Period,
    complete_after: datetime,
    charged: Period | None = None,
) -> ClosedUsage:
    """Close a period's usage: its windows no longer change, and later events become late events.

    Closing the same period again returns the same windows.

    Args:
        period: in the account's business time, on window borders.
        charged: the part of the period whose windows are returned, where a trial takes the rest; all of it by default.
        complete_after: real time that every shipper and the inbox must have passed.

    Raises:
        UsageNotComplete: a shipper or the inbox has not passed that time, or the watermark of the slowest meter has
            not passed.
    Publishes: UsageClosed.
    """
    UsageCutoff.objects.get_or_create(subscription=subscription)
    cutoff = UsageCutoff.objects.select_for_update().get(subscription=subscription)
    if cutoff.closed_until is None or cutoff.closed_until < period.end:
        if not watermark_has_passed(subscription, period.end) or not usage_is_complete(
            complete_after
        ):
            raise UsageNotComplete
        cutoff.closed_until = period.end
        cutoff.save(update_fields=["closed_until"])
        UsageWindow.objects.filter(
            subscription=subscription, window_start__lt=period.end, status=WindowStatus.OPEN
        ).update(status=WindowStatus.CLOSED, closed_at=clock.now())
        publish(UsageClosed(subscription_id=subscription.pk, closed_until=period.end))
    return _closed_usage(subscription, charged or period)


def close_windows() -> int:
    """Close every open window whose watermark has passed; return how many.

    Waits for batches that came before the watermark. Windows that a processor holds are closed the next time, so that neither
    waits for the other.
    """
    closed = 0
    while found := _close_some(clock.now() - CLOSING_GRACE):
        closed += found
        if found < CLOSED_AT_ONCE:
            break
    return closed


@transaction.atomic
def _close_some(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _CLOSE_WINDOWS,
            {
                "now": now,
                "delay": DEFAULT_WATERMARK_DELAY_S,
                "most": CLOSED_AT_ONCE,
                "closed_at": clock.now(),
            },
        )
        return int(cursor.rowcount)


def _closed_usage(subscription: Subscription, period: Period) -> ClosedUsage:
    windows = UsageWindow.objects.filter(
        subscription=subscription,
        window_start__gte=period.start,
        window_start__lt=period.end,
    ).values_list("id", "revision")
    return ClosedUsage(quantities_in(subscription.pk, period), dict(windows))

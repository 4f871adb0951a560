"""Closing usage: windows that no longer change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.core import clock
from apps.core.clock import Period
from apps.core.events import publish_all
from apps.subscriptions.models import Subscription
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S
from apps.usage.events import UsageClosed
from apps.usage.exceptions import UsageNotComplete
from apps.usage.models import UsageCutoff
from apps.usage.selectors import oldest_call_under_way, quantities_for, watermarks_of

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


# Windows that processors add to are under the lock of their cutoff.
_CLOSE_OF: Final = """
    UPDATE usage_usagewindow w SET status = 'closed', closed_at = %s
    FROM unnest(%s::uuid[], %s::timestamptz[]) AS asked (subscription_id, closed_until)
    WHERE w.subscription_id = asked.subscription_id AND w.window_start < asked.closed_until AND w.status = 'open'
"""
_REVISIONS: Final = """
    SELECT asked.subscription_id, w.id, w.revision
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS asked (subscription_id, period_start, period_end)
    JOIN usage_usagewindow w ON w.subscription_id = asked.subscription_id
        AND w.window_start >= asked.period_start AND w.window_start < asked.period_end
"""


@dataclass(frozen=True, slots=True)
class ClosedUsage:
    """The closed windows of a period: what rating starts from.

    `quantities` maps each meter to its priced units; `window_revisions` maps window ids to the revision counted.
    """

    quantities: dict[str, Decimal]
    window_revisions: dict[UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageToClose:
    """A subscription's period whose usage is to be closed.

    Attributes:
        period: in the account's business time, on window borders.
        charged: the part of the period whose windows are returned, where a trial takes the rest; all of it by default.
        complete_after: real time that every shipper and the inbox must have passed.
    """

    subscription: Subscription
    period: Period
    complete_after: datetime
    charged: Period | None = None

    @property
    def question(self) -> UsageQuestion:
        """What is asked of the windows."""
        return UsageQuestion(self.subscription.pk, self.charged or self.period)


def close_usage(
    *,
    subscription: Subscription,
    period: Period,
    complete_after: datetime,
    charged: Period | None = None,
) -> ClosedUsage:
    """Close a period's usage: its windows no longer change, and later events become late events.

    Closing the same period again returns the same windows. The arguments are those of `UsageToClose`.

    Raises:
        UsageNotComplete: a shipper or the inbox has not passed that time, or the watermark of the slowest meter has
            not passed.
    Publishes: UsageClosed.
    """
    asked = UsageToClose(
        subscription=subscription, period=period, complete_after=complete_after, charged=charged
    )
    closed = close_usages([asked]).get(subscription.pk)
    if closed is None:
        raise UsageNotComplete
    return closed


@transaction.atomic
def close_usages(asked: Sequence[UsageToClose]) -> dict[UUID, ClosedUsage]:
    """Close the usage of a period for each of several subscriptions; what is not complete yet is left out.

    The number of queries does not depend on how many there are. Publishes: UsageClosed.
    """
    cutoffs = _lock_cutoffs([each.subscription.pk for each in asked])
    known: list[UsageToClose] = []
    open_ones: list[UsageToClose] = []
    for each in asked:
        closed_until = cutoffs[each.subscription.pk]
        is_closed = closed_until is not None and closed_until >= each.period.end
        (known if is_closed else open_ones).append(each)
    fresh = _complete_ones(open_ones)
    if fresh:
        _close(fresh)
    ready = [*known, *fresh]
    if not ready:
        return {}
    quantities = quantities_for([each.question for each in ready])
    revisions = _revisions_of(ready)
    return {
        each.subscription.pk: ClosedUsage(
            quantities[each.question], revisions[each.subscription.pk]
        )
        for each in ready
    }


def _lock_cutoffs(subscription_ids: Sequence[UUID]) -> dict[UUID, datetime | None]:
    """Take the cutoffs from processors until the commit, in the order in which those share them."""
    keys = sorted(subscription_ids)
    UsageCutoff.objects.bulk_create(
        [UsageCutoff(subscription_id=key) for key in keys], ignore_conflicts=True
    )
    rows = UsageCutoff.objects.filter(pk__in=keys).select_for_update().order_by("pk")
    return dict(rows.values_list("pk", "closed_until"))


def _complete_ones(asked: Sequence[UsageToClose]) -> list[UsageToClose]:
    """Keep those whose slowest meter's watermark has passed, and whose calls have all arrived."""
    watermarks = watermarks_of({each.subscription.api_id for each in asked})
    passed = [
        each
        for each in asked
        if clock.business_now(each.subscription.consumer_organization)
        >= each.period.end + watermarks[each.subscription.api_id]
    ]
    if not passed:
        return []
    oldest = oldest_call_under_way()
    return [each for each in passed if oldest is None or each.complete_after <= oldest]


def _close(asked: Sequence[UsageToClose]) -> None:
    keys = [each.subscription.pk for each in asked]
    ends = [each.period.end for each in asked]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE usage_usagecutoff c SET closed_until = asked.closed_until"
            " FROM unnest(%s::uuid[], %s::timestamptz[]) AS asked (subscription_id, closed_until)"
            " WHERE c.subscription_id = asked.subscription_id",
            [keys, ends],
        )
        cursor.execute(_CLOSE_OF, [clock.now(), keys, ends])
    publish_all(
        UsageClosed(subscription_id=key, closed_until=end)
        for key, end in zip(keys, ends, strict=True)
    )


def _revisions_of(asked: Sequence[UsageToClose]) -> dict[UUID, dict[UUID, int]]:
    questions = [each.question for each in asked]
    found: dict[UUID, dict[UUID, int]] = {each.subscription_id: {} for each in questions}
    with connection.cursor() as cursor:
        cursor.execute(
            _REVISIONS,
            [
                [each.subscription_id for each in questions],
                [each.period.start for each in questions],
                [each.period.end for each in questions],
            ],
        )
        for subscription_id, window_id, revision in cursor.fetchall():
            found[subscription_id][window_id] = revision
    return found


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

"""What a counter may have held at its mark, going by what was counted until now.

At the mark a counter held the calls let through until then, less those given back. Of each stored call the time of its
decision is known, which is up to some seconds before the store counted it. So calls decided in those seconds before the
mark may or may not be in the counter, and what is known are two bounds. Without calls in these seconds they are equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from apps.core.enums import OutboxStatus
from apps.core.models import OutboxMessage
from apps.pricing.models import CALLS_METER
from apps.usage.drift.marks import Mark
from apps.usage.give_back import GIVE_BACK_TOPIC

# From a decision to the store's count, as long as the authorizer waits for it.
DECISION_LAG: Final = timedelta(seconds=4)
# What clocks of two machines may differ by.
CLOCK_SLACK: Final = timedelta(seconds=1)
# Messages that are delivered are looked for this far back; those that wait, whatever their age.
GIVEN_BACK_WITHIN: Final = timedelta(days=1)

# One statement, so that windows and calls are read at one moment.
_COUNTED: Final = """
    SELECT asked.position,
        (SELECT COALESCE(SUM(w.quantity), 0) FROM usage_usagewindow w
         WHERE w.subscription_id = asked.subscription_id AND w.meter = %s
           AND w.window_start >= asked.period_start AND w.window_start < asked.period_end),
        later.than_sure, later.than_possible
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS asked (subscription_id, period_start, period_end, sure_until, possible_until, position)
    CROSS JOIN LATERAL (
        SELECT COUNT(*) AS than_sure, COUNT(*) FILTER (WHERE e.decided_at > asked.possible_until) AS than_possible
        FROM usage_usageevent e
        LEFT JOIN usage_usagecutoff c ON c.subscription_id = e.subscription_id
        WHERE e.subscription_id = asked.subscription_id AND e.is_billable AND e.outcome <> 'measured'
          AND e.occurred_at >= GREATEST(asked.period_start, asked.sure_until) AND e.occurred_at < asked.period_end
          AND e.decided_at > asked.sure_until
          AND (c.closed_until IS NULL OR e.occurred_at >= c.closed_until)
    ) later
"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that a counter may have held at its mark."""

    least: int
    most: int

    def excess_of(self, counter: int) -> int:
        """Return by how much a counter is certainly wrong: above zero too high, below zero too low."""
        if counter > self.most:
            return counter - self.most
        return min(0, counter - self.least)


def bounds_of(marks: Sequence[Mark]) -> dict[UUID, Bounds]:
    """Return the bounds by subscription. Three queries; every call until the marks must have been counted."""
    if not marks:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTED,
            [
                CALLS_METER,
                [mark.subscription_id for mark in marks],
                [mark.period.start for mark in marks],
                [mark.period.end for mark in marks],
                [mark.at - DECISION_LAG - CLOCK_SLACK for mark in marks],
                [mark.at + CLOCK_SLACK for mark in marks],
            ],
        )
        counted = cursor.fetchall()
    surely_held, possibly_held = _not_yet_given_back(marks)
    found = {}
    for position, total, than_sure, than_possible in counted:
        key = marks[position - 1].subscription_id
        least = int(total) - than_sure + surely_held[key]
        most = int(total) - than_possible + possibly_held[key]
        found[key] = Bounds(least, most)
    return found


def _not_yet_given_back(marks: Sequence[Mark]) -> tuple[Counter[UUID], Counter[UUID]]:
    """Count the unbilled calls that the counters still held at their marks: surely, and possibly."""
    by_id = {mark.subscription_id: mark for mark in marks}
    surely: Counter[UUID] = Counter()
    possibly: Counter[UUID] = Counter()
    for message in _give_backs_after(min(mark.at for mark in marks)):
        mark = by_id.get(UUID(message.payload["subscription_id"]))
        is_given_back = (
            mark is not None
            and message.delivered_at is not None
            and message.delivered_at < mark.at - CLOCK_SLACK
        )
        if mark is None or is_given_back:
            continue
        is_asked_later = message.created_at > mark.at + CLOCK_SLACK
        for _event_id, text in message.payload["calls"]:
            occurred_at = datetime.fromisoformat(text)
            if not mark.period.start <= occurred_at < mark.period.end:
                continue
            # On a test clock the real time of the call is not known here: it is held possibly.
            is_real_time = not mark.offset
            if is_real_time and occurred_at > mark.at + CLOCK_SLACK:
                continue
            possibly[mark.subscription_id] += 1
            is_before = occurred_at <= mark.at - DECISION_LAG - CLOCK_SLACK
            surely[mark.subscription_id] += is_real_time and is_asked_later and is_before
    return surely, possibly


def _give_backs_after(moment: datetime) -> Iterator[OutboxMessage]:
    oldest = _first_id_at(moment - GIVEN_BACK_WITHIN)
    rows = OutboxMessage.objects.filter(topic=GIVE_BACK_TOPIC)
    waiting = rows.exclude(status=OutboxStatus.DELIVERED)
    delivered = rows.filter(
        status=OutboxStatus.DELIVERED, id__gte=oldest, delivered_at__gte=moment - CLOCK_SLACK
    )
    both = rows.filter(Q(pk__in=waiting.values("pk")) | Q(pk__in=delivered.values("pk")))
    return both.only("payload", "created_at", "delivered_at").iterator(chunk_size=500)


def _first_id_at(moment: datetime) -> UUID:
    """Return the smallest id that a row made at a moment may have: ids begin with their time."""
    return UUID(int=round(moment.timestamp() * 1000) << 80)

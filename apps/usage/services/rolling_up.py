"""Adding calls up for analytics: hours from the calls, days from the hours.

Source: docs/domain/analytics.md.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.accounts.models import Organization
from apps.core import clock
from apps.subscriptions.models import Subscription
from apps.usage.acceptance import accepted_past
from apps.usage.models import RollupMark, UsageDay, UsageDayTotal
from apps.usage.rollups.days import add_up_days, days_of
from apps.usage.rollups.hours import add_up_hour
from apps.usage.rollups.slots import Party, Slot, slots_of

CHUNK: Final = 500  # hours of subscriptions in one transaction
# An hour with so many calls is added up again at most once a second: the busiest hours wait longer, so that reading their
# calls over and over stays a small part of the database's work.
CALLS_PER_S: Final = 10_000
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('usage.roll_up'))"
_MARKED: Final = """
    SELECT mark.hour, mark.subscription_id, mark.ids, done.plan_id, COALESCE(done.calls, 0)::bigint, done.rolled_at
    FROM (
        SELECT hour, subscription_id, array_agg(id) AS ids FROM usage_rollupmark GROUP BY hour, subscription_id
    ) mark
    LEFT JOIN LATERAL (
        SELECT min(plan_id::text)::uuid AS plan_id, sum(calls) AS calls, max(rolled_at) AS rolled_at FROM usage_usagehour
        WHERE subscription_id = mark.subscription_id
            AND slot_start >= mark.hour AND slot_start < mark.hour + interval '1 hour'
    ) done ON TRUE
    ORDER BY mark.hour, mark.subscription_id
"""
_STORED: Final = """
    SELECT subscription_id, count(*) FROM usage_usageevent
    WHERE subscription_id = ANY(%s) AND occurred_at >= %s AND occurred_at < %s GROUP BY subscription_id
"""
_MARK_AGAIN: Final = """
    INSERT INTO usage_rollupmark (subscription_id, hour)
    SELECT DISTINCT subscription_id, date_trunc('hour', slot_start, 'UTC') FROM usage_usagehour
    WHERE consumer_organization_id = %s OR provider_organization_id = %s
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """An hour of a subscription that has new calls, with what was added up of it before."""

    hour: datetime
    subscription_id: UUID
    marks: list[int]
    plan_id: UUID | None
    calls: int
    rolled_at: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether it was not added up only a moment ago, for its size."""
        if self.rolled_at is None:
            return True
        return now - self.rolled_at >= timedelta(seconds=self.calls / CALLS_PER_S)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What one run did: hours of subscriptions added up, left as they are, and not due yet.

    An hour is left when its calls are archived already, or another run is at it.
    """

    hours: int
    left: int
    waiting: int


def roll_up() -> RolledUp:
    """Add up every hour that is marked and due, and its days.

    An hour is written anew from its calls, so running this twice, or for a late call years later, gives the same rows.
    One run at a time: another one finds nothing to do.
    """
    now = clock.now()
    marked = _read_marks()
    due = [item for item in marked if item.is_due(now)]
    by_day: dict[date, list[Marked]] = defaultdict(list)
    for item in due:
        by_day[item.hour.astimezone(UTC).date()].append(item)
    left = 0
    for items in by_day.values():
        for start in range(0, len(items), CHUNK):
            left += _roll_up_hours(items[start : start + CHUNK])
    return RolledUp(len(due) - left, left, len(marked) - len(due))


@transaction.atomic
def follow_time_zone(*, organization_id: UUID) -> bool:
    """Have the days of an organization added up anew when they were by another time zone; return whether they were.

    The job does it within the next minutes; until then analytics of past days are empty.
    """
    timezone = Organization.objects.values_list("timezone", flat=True).get(pk=organization_id)
    days = UsageDay.objects.filter(organization_id=organization_id)
    if not days.exclude(timezone=timezone).exists():
        return False
    days.delete()
    UsageDayTotal.objects.filter(organization_id=organization_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(_MARK_AGAIN, [organization_id, organization_id])
    return True


def _read_marks() -> list[Marked]:
    with connection.cursor() as cursor:
        cursor.execute(_MARKED)
        return [Marked(*row) for row in cursor.fetchall()]


@transaction.atomic
def _roll_up_hours(items: list[Marked]) -> int:
    """Add up some hours of a day, and then their days; return how many were left as they are."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if not cursor.fetchone()[0]:
            return len(items)
    by_hour: dict[datetime, list[Marked]] = defaultdict(list)
    for item in items:
        by_hour[item.hour].append(item)
    slots: list[Slot] = []
    left = 0
    for hour, marked in by_hour.items():
        of_hour = [slot for party in _parties(marked) for slot in slots_of(party, hour)]
        whole = _still_whole(hour, marked)
        if whole:
            add_up_hour(hour, [slot for slot in of_hour if slot.party.subscription_id in whole])
        slots += of_hour
        left += len(marked) - len(whole)
    add_up_days(days_of(slots))
    # Exactly the marks that were read: one with a lower number may commit after them.
    RollupMark.objects.filter(pk__in=[key for item in items for key in item.marks]).delete()
    return left


def _still_whole(hour: datetime, items: list[Marked]) -> set[UUID]:
    """Return the subscriptions whose calls of the hour are all there. Archived calls must not make sums smaller."""
    if hour > clock.now() - accepted_past():
        return {item.subscription_id for item in items}
    with connection.cursor() as cursor:
        keys = [item.subscription_id for item in items]
        cursor.execute(_STORED, [keys, hour, hour + timedelta(hours=1)])
        stored = dict(cursor.fetchall())
    return {
        item.subscription_id for item in items if stored.get(item.subscription_id, 0) >= item.calls
    }


def _parties(items: list[Marked]) -> list[Party]:
    plans = {item.subscription_id: item.plan_id for item in items}
    rows = Subscription.objects.filter(pk__in=plans).values_list(
        "id",
        "api_id",
        "plan_id",
        "consumer_organization_id",
        "provider_organization_id",
        "consumer_organization__country",
        "consumer_organization__is_sandbox",
        "consumer_organization__timezone",
        "provider_organization__timezone",
    )
    # An hour that was added up before stays with the plan that it had then.
    return [Party(row[0], row[1], plans[row[0]] or row[2], *row[3:]) for row in rows.order_by("id")]

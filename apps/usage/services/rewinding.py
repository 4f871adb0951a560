"""Computing windows anew from stored events, a local day of a subscription at a time.

Each step is one transaction under the subscription's cutoff, taken alone: a processor that stored events and has not
added them to windows yet waits there and adds afterwards, so nothing is lost or counted twice. Source: docs/domain/metering.md §6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.events import publish
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date, start_of_day
from apps.usage.call_ranges import CallRange
from apps.usage.enums import RewindStatus
from apps.usage.events import UsageRecalculated
from apps.usage.exceptions import ArchiveDamaged, EventsDropped
from apps.usage.models import UsageEvent, UsageRewind, UsageWindow
from apps.usage.recomputing import recompute_windows
from apps.usage.selectors.archives import archived_subscriptions, archives_in
from apps.usage.selectors.rewinds import month_without_events
from apps.usage.services.archiving import note_damage
from apps.usage.services.differing import compare_windows
from apps.usage.windows import WindowKey, WindowSums

ACTIVE: Final = (RewindStatus.WAITING, RewindStatus.RUNNING)
ONE_DAY: Final = timedelta(days=1)


class _Step(NamedTuple):
    subscription_id: UUID
    day: date


def carry_out_rewind(
    *, rewind_id: UUID, on_progress: Callable[[int, int], None] | None = None
) -> UsageRewind:
    """Take every step that is left; a rewind that has ended stays as it is.

    Args:
        on_progress: told how many steps are done, of how many.

    Raises:
        EventsDropped: the events of a month were dropped after the rewind was asked for.
        ArchiveDamaged: an archived month cannot be read; the archive says so from then on.
    Publishes: UsageRecalculated, for each step that found something and is no dry run.
    """
    rewind = UsageRewind.objects.get(pk=rewind_id)
    if rewind.status not in ACTIVE:
        return rewind
    try:
        for done in _steps_taken(rewind):
            if on_progress is not None:
                on_progress(done, rewind.steps_total)
    except Exception as error:
        _end(rewind_id, RewindStatus.FAILED, f"{type(error).__name__}: {error}")
        if isinstance(error, ArchiveDamaged):
            note_damage(error=error, actor=Actor.system("rewind"))
        raise
    return _end(rewind_id, RewindStatus.SUCCEEDED)


def _steps_taken(rewind: UsageRewind) -> Iterator[int]:
    """Take the steps after the last one that was committed; yield how many are done after each."""
    steps = list(_steps(rewind))
    rewind.status, rewind.steps_total = RewindStatus.RUNNING, len(steps)
    rewind.save(update_fields=["status", "steps_total", "updated_at"])
    for number, step in enumerate(steps, start=1):
        _take_step(rewind.pk, step, number)
        yield number


def _steps(rewind: UsageRewind) -> Iterator[_Step]:
    """Yield each local day of each subscription that has windows or events there, always in the same order."""
    whole = Period(rewind.range_start - ONE_DAY, rewind.range_end + ONE_DAY)
    here = {"subscription_id": OuterRef("pk")}
    windows = UsageWindow.objects.filter(
        **here, window_start__gte=whole.start, window_start__lt=whole.end
    )
    events = UsageEvent.objects.filter(
        **here, occurred_at__gte=whole.start, occurred_at__lt=whole.end
    )
    rows = _subscriptions(rewind.api_id, rewind.subscription_id)
    archived = archived_subscriptions(
        CallRange(period=whole, api_id=rewind.api_id, subscription_id=rewind.subscription_id)
    )
    rows = rows.filter(Exists(windows) | Exists(events) | Q(pk__in=archived)).order_by("pk")
    for pk, timezone in rows.values_list("pk", "timezone"):
        day = local_date(rewind.range_start, timezone)
        last = local_date(rewind.range_end - timedelta(microseconds=1), timezone)
        while day <= last:
            yield _Step(pk, day)
            day += ONE_DAY


@transaction.atomic
def _take_step(rewind_id: UUID, step: _Step, number: int) -> None:
    rewind = UsageRewind.objects.select_for_update(no_key=True).get(pk=rewind_id)
    if rewind.status != RewindStatus.RUNNING or _is_taken(rewind, step):
        return
    subscription = Subscription.objects.select_related(
        "consumer_organization", "price_version"
    ).get(pk=step.subscription_id)
    zone = subscription.timezone
    period = Period(start_of_day(step.day, zone), start_of_day(step.day + ONE_DAY, zone))
    closed_until = lock_cutoff(subscription.pk)
    would_be = recompute_steadily(subscription, period, rewind.meter)
    windows = UsageWindow.objects.filter(subscription=subscription, event_count__gt=0)
    month = month_without_events(period, windows)  # looked at last: events may leave meanwhile
    if month is not None:
        raise EventsDropped(month=month)
    found = compare_windows(
        rewind=rewind,
        subscription=subscription,
        period=period,
        closed_until=closed_until,
        would_be=would_be,
    )
    UsageRewind.objects.filter(pk=rewind_id).update(
        steps_done=number,
        last_subscription_id=step.subscription_id,
        last_day=step.day,
        window_count=F("window_count") + found.compared,
        difference_count=F("difference_count") + found.different,
        revised_count=F("revised_count") + found.revised,
        kept_count=F("kept_count") + found.kept,
        updated_at=clock.now(),
    )
    if found.revised or found.kept:
        publish(
            UsageRecalculated(
                rewind_id=rewind_id,
                subscription_id=subscription.pk,
                meter=rewind.meter,
                range_start=period.start,
                range_end=period.end,
                revised_count=found.revised,
                kept_count=found.kept,
            ),
            key=str(subscription.pk),
        )


def recompute_steadily(
    subscription: Subscription, period: Period, meter: str = ""
) -> Mapping[WindowKey, WindowSums]:
    """Compute the windows from the table and from archives. A month that moves between them meanwhile is read again."""
    while True:
        before = archives_in(period)
        would_be = recompute_windows(subscription, period, meter=meter)
        if archives_in(period) == before:
            return would_be


def lock_cutoff(subscription_id: UUID) -> datetime | None:
    """Take a subscription's cutoff alone, against processors and closing; return until when its usage is closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_usagecutoff (subscription_id) VALUES (%s) ON CONFLICT DO NOTHING",
            [subscription_id],
        )
        cursor.execute(
            "SELECT closed_until FROM usage_usagecutoff WHERE subscription_id = %s FOR UPDATE",
            [subscription_id],
        )
        return cursor.fetchone()[0]  # type: ignore[no-any-return]  # a timestamp or NULL


def _is_taken(rewind: UsageRewind, step: _Step) -> bool:
    last = (rewind.last_subscription_id, rewind.last_day)
    if last[0] is None or last[1] is None:
        return False
    return (step.subscription_id, step.day) <= last


@transaction.atomic
def _end(rewind_id: UUID, status: RewindStatus, error: str = "") -> UsageRewind:
    rewind = UsageRewind.objects.select_for_update(no_key=True).get(pk=rewind_id)
    if rewind.status in ACTIVE:
        rewind.status, rewind.error, rewind.finished_at = status, error, clock.now()
        rewind.save(update_fields=["status", "error", "finished_at", "updated_at"])
    return rewind


def _subscriptions(api_id: UUID | None, subscription_id: UUID | None) -> QuerySet[Subscription]:
    rows = Subscription.objects.all()
    if api_id is not None:
        rows = rows.filter(api_id=api_id)
    if subscription_id is not None:
        rows = rows.filter(pk=subscription_id)
    return rows

"""What the stored events of a subscription's local day add up to, window by window.

Calls are added up by the database; what other meters take from an event is decided by the same code as when it came in. Months
that lie in archives are read from there, and their hashes with them. Late events that no window holds are left out: they are
told already, as open late events.

Source: docs/domain/metering.md §6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from apps.core.clock import Period
from apps.core.ids import format_public_id
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.usage.aggregation import merge
from apps.usage.call_ranges import CallRange
from apps.usage.enums import NOT_IN_WINDOWS, EventOutcome, LateResolution
from apps.usage.event_schema import IncomingEvent
from apps.usage.instants import MICROSECOND, MINUTE_US, to_us
from apps.usage.metering import CompiledMeter, Gain, load_meters, meter_events
from apps.usage.models import LateEvent, UsageEvent
from apps.usage.placement import Place, Placed, window_of_minute
from apps.usage.selectors.archives import archived_tables
from apps.usage.selectors.history import events_between
from apps.usage.windows import WindowKey, WindowSums, call_window, windows_of_gains

# By the minute, so that the database adds up and the rule for a window's start stays in one place.
_CALLS_BY_MINUTE: Final = """
    SELECT date_trunc('minute', e.occurred_at), e.is_billable, e.status >= 400, count(*)
    FROM usage_usageevent e
    WHERE e.subscription_id = %s AND e.occurred_at >= %s AND e.occurred_at < %s AND e.outcome <> 'measured'
        AND NOT EXISTS (
            SELECT 1 FROM usage_lateevent l
            WHERE l.event_id = e.event_id AND l.meter = %s AND l.resolution IN ('open', 'waived')
        )
    GROUP BY 1, 2, 3
"""
_EVENTS_AT_ONCE: Final = 2_000


class _Calls(NamedTuple):
    """Calls of one minute (microseconds) that are alike."""

    minute_us: int
    is_billable: bool
    is_error: bool
    number: int


def recompute_windows(
    subscription: Subscription, period: Period, *, meter: str = ""
) -> dict[WindowKey, WindowSums]:
    """Return the windows that stored events add up to in a period of business time that begins and ends on their borders.

    Args:
        subscription: with its `consumer_organization`.
        meter: only this one; all of them without it.

    Raises:
        ArchiveDamaged: the file of an archived month is missing or was changed.
    """
    place = _place_of(subscription)
    found: dict[WindowKey, WindowSums] = {}
    if meter in {"", CALLS_METER}:
        found.update(_calls(place, period))
    meters = [
        compiled
        for compiled in load_meters({subscription.api_id}).get(subscription.api_id, [])
        if meter in {"", compiled.key}
    ]
    if meters:
        found.update(_gains(place, period, meters))
    return found


def _place_of(subscription: Subscription) -> Place:
    return Place(
        consumer_id=subscription.consumer_organization_id,
        provider_id=subscription.provider_organization_id,
        subscription_id=subscription.pk,
        api_id=subscription.api_id,
        key_id=None,
        offset_us=subscription.consumer_organization.clock_offset // MICROSECOND,
        timezone=subscription.timezone,
        billed_below=0,  # what is billed was decided when the event came, and is stored with it
    )


def _calls(place: Place, period: Period) -> dict[WindowKey, WindowSums]:
    windows: dict[WindowKey, WindowSums] = {}
    for calls in chain(_stored_calls(place, period), _archived_calls(place, period)):
        start_us = window_of_minute(calls.minute_us // MINUTE_US, place.timezone)
        key = WindowKey(place.subscription_id, CALLS_METER, start_us)
        window = windows.setdefault(key, call_window(place, start_us))
        window.total.events += calls.number
        window.total.quantity += calls.number * calls.is_billable
        window.errors += calls.number * calls.is_error
    return windows


def _stored_calls(place: Place, period: Period) -> Iterator[_Calls]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CALLS_BY_MINUTE, [place.subscription_id, period.start, period.end, CALLS_METER]
        )
        for minute, is_billable, is_error, count in cursor.fetchall():
            yield _Calls(to_us(minute), is_billable, is_error, count)


def _archived_calls(place: Place, period: Period) -> Iterator[_Calls]:
    """Add up a month's archive as the statement does the table."""
    behind = {event for event, meter in _events_behind(place, period) if meter == CALLS_METER}
    calls = CallRange(
        period=period, subscription_id=place.subscription_id, without=frozenset(behind)
    )
    counts: Counter[tuple[int, bool, bool]] = Counter()
    names = ("occurred_at", "is_billable", "status", "outcome")
    for table in archived_tables(calls):
        columns = (table.column(name).to_pylist() for name in names)
        for at, is_billable, status, outcome in zip(*columns, strict=True):
            if outcome != EventOutcome.MEASURED:
                at_us = to_us(at)
                counts[at_us - at_us % MINUTE_US, is_billable, status >= 400] += 1
    for alike, count in counts.items():
        yield _Calls(*alike, count)


def _gains(
    place: Place, period: Period, meters: Sequence[CompiledMeter]
) -> dict[WindowKey, WindowSums]:
    windows: dict[WindowKey, WindowSums] = {}
    for gains in _counted_gains(place, period, meters):
        for key, part in windows_of_gains(gains).items():
            whole = windows.setdefault(key, part)
            if whole is not part:
                merge(whole.kind, whole.total, part.total)
    return windows


def stored_gains(
    subscription: Subscription,
    period: Period,
    meters: Sequence[CompiledMeter],
    *,
    known_at: datetime | None = None,
) -> Iterator[Gain]:
    """Yield what meters take from the stored and archived events of a period that windows hold, oldest first.

    Args:
        subscription: with its `consumer_organization`.
        known_at: leaves out events that came behind their period and were settled after this moment.

    Raises:
        ArchiveDamaged: the file of an archived month is missing or was changed.
    """
    for gains in _counted_gains(_place_of(subscription), period, meters, known_at):
        yield from gains


def _counted_gains(
    place: Place,
    period: Period,
    meters: Sequence[CompiledMeter],
    known_at: datetime | None = None,
) -> Iterator[list[Gain]]:
    """Yield gains some events at a time: memory stays bounded."""
    behind = _events_behind(place, period, known_at)
    left = _billed_events(place, period)
    while events := list(islice(left, _EVENTS_AT_ONCE)):
        yield [
            gain
            for gain in meter_events(events, {place.api_id: meters}).gains
            if (gain.reading.event_id, gain.meter.key) not in behind
        ]


def _events_behind(
    place: Place, period: Period, known_at: datetime | None = None
) -> set[tuple[UUID, str]]:
    """Return which events no window of which meter holds, because they came after their period was closed."""
    outside = Q(resolution__in=NOT_IN_WINDOWS)
    if known_at is not None:
        outside |= Q(resolution=LateResolution.SETTLED, resolved_at__gt=known_at)
    rows = LateEvent.objects.filter(
        outside,
        subscription_id=place.subscription_id,
        occurred_at__gte=period.start,
        occurred_at__lt=period.end,
    )
    return set(rows.values_list("event_id", "meter"))


def _billed_events(place: Place, period: Period) -> Iterator[Placed]:
    """Yield what is billed, oldest first."""
    calls = CallRange(period=period, subscription_id=place.subscription_id, billable_only=True)
    for row in events_between(calls):
        occurred_us = to_us(row.occurred_at)
        yield Placed(
            event=_as_it_came(row),
            place=place,
            occurred_us=occurred_us,
            decided_us=to_us(row.decided_at),
            window_us=window_of_minute(occurred_us // MINUTE_US, place.timezone),
            is_billable=True,
        )


def _as_it_came(row: UsageEvent) -> IncomingEvent:
    """Return the event as meters see it. What the row keeps shortened or rounded, meters take like that from the start."""
    return IncomingEvent(
        id=row.event_id,
        source=row.source,
        occurred_at=row.decided_at,
        request_id=row.request_id,
        subscription_id=format_public_id(Subscription.id_prefix, row.subscription_id),
        api_id=format_public_id("api", row.api_id),
        method=row.method,
        path=row.path,
        status=None if row.outcome == EventOutcome.MEASURED else row.status,
        latency_ms=row.latency_ms,
        upstream_latency_ms=row.upstream_latency_ms,
        request_bytes=row.request_bytes,
        response_bytes=row.response_bytes,
        outcome=row.outcome,  # type: ignore[arg-type]  # the enum's values
        properties=row.properties,
    )

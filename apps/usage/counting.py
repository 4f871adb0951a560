"""From new events to windows: under the cutoffs, what is late noted, windows last.

Source: docs/domain/metering.md §3, §4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.usage.alerts import ask_for_alerts
from apps.usage.instants import to_us
from apps.usage.lateness import contributions_of, note_behind, note_revisions
from apps.usage.meter_errors import note_misses
from apps.usage.metering import Gain, load_meters, meter_events
from apps.usage.placement import Placed
from apps.usage.windows import add_to_windows, gather_windows, late_windows, share_cutoffs


@dataclass(frozen=True, slots=True)
class Counted:
    """Numbers of events. `revised` ones are counted, `late` ones are not; `measured` ones are no calls."""

    counted: int
    unbillable: int
    measured: int
    revised: int
    late: int


def count_events(placed: Sequence[Placed], *, arrived_us: int) -> Counted:
    """Add new events to their windows, as the last statement; an event behind its subscription's cutoff changes none.

    Args:
        arrived_us: when their batch reached the inbox, in real time (see `instants`). What came behind a window's
            watermark revises the window and is kept as a late event.
    Publishes: LateUsageArrived, for what came behind a cutoff.
    """
    cutoffs = share_cutoffs(sorted({item.place.subscription_id for item in placed}))
    closed_until_us = {
        subscription_id: to_us(closed_until)
        for subscription_id, closed_until in cutoffs.items()
        if closed_until is not None
    }
    behind: list[Placed] = []
    in_time: Sequence[Placed] = placed
    if closed_until_us:
        in_time = []
        for item in placed:
            closed_us = closed_until_us.get(item.place.subscription_id)
            is_behind = closed_us is not None and item.occurred_us < closed_us
            (behind if is_behind else in_time).append(item)
    meters = load_meters({item.place.api_id for item in placed})
    if behind:
        metered = meter_events(behind, meters)
        note_misses(metered.misses)
        note_behind(contributions_of(behind, metered.gains))
    revised = 0
    if in_time:
        metered = meter_events(in_time, meters)
        note_misses(metered.misses)
        revised = _add(in_time, metered.gains, arrived_us)
        ask_for_alerts(item.place.subscription_id for item in in_time if item.is_billable)
    return Counted(
        counted=sum(item.is_billable for item in in_time),
        unbillable=sum(not item.is_billable for item in placed),
        measured=sum(not item.is_call for item in in_time),
        revised=revised,
        late=len(behind),
    )


def _add(placed: Sequence[Placed], gains: Sequence[Gain], arrived_us: int) -> int:
    """Add to windows as the last statement; return how many events revised windows that were closed when they came."""
    windows = gather_windows(placed, gains)
    closed = late_windows(windows, arrived_us)
    revised: set[UUID] = set()
    if closed:
        late = [item for item in contributions_of(placed, gains) if item.key in closed]
        note_revisions(late)
        revised = {item.event_id for item in late}
    add_to_windows(windows, closed)
    return len(revised)

"""Comparing windows with what their events add up to, and doing something about what differs."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.core import clock
from apps.core.clock import Period
from apps.subscriptions.models import Subscription
from apps.usage.aggregation import ZERO, Kind, Total
from apps.usage.enums import DifferenceState, WindowStatus
from apps.usage.instants import from_us, to_us
from apps.usage.models import UsageRewind, UsageWindow, UsageWindowValue, WindowDifference
from apps.usage.windows import WindowKey, WindowSums, add_values

_Columns = tuple[Decimal, Decimal, datetime | None, UUID | None, int, int]


@dataclass(slots=True)
class Found:
    """Numbers of windows: compared, different, and of these replaced, or kept because their period is closed."""

    compared: int = 0
    different: int = 0
    revised: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class _Pair:
    """A window and what it would be; either may be missing. `is_closed`: its billing period is."""

    key: WindowKey
    window: UsageWindow | None
    sums: WindowSums | None
    is_closed: bool


def compare_windows(
    *,
    rewind: UsageRewind,
    subscription: Subscription,
    period: Period,
    closed_until: datetime | None,
    would_be: Mapping[WindowKey, WindowSums],
) -> Found:
    """Compare the windows of a period with what they would be; unless it is a dry run, act on what differs.

    The caller holds the subscription's cutoff alone. Each difference is a row of the rewind.
    """
    known = known_windows(subscription, period, rewind.meter)
    found = Found()
    rows: list[WindowDifference] = []
    for key in sorted(known.keys() | would_be.keys()):
        is_closed = closed_until is not None and from_us(key.window_us) < closed_until
        pair = _Pair(key, known.get(key), would_be.get(key), is_closed)
        found.compared += 1
        if not _differs(pair):
            continue
        found.different += 1
        rows.append(_difference(rewind, subscription, pair))
        if rewind.is_dry_run:
            continue
        if is_closed:
            found.kept += 1
        else:
            found.revised += 1
            _revise(pair)
    if not rewind.is_dry_run:
        _replace_open_differences(rewind, subscription, period)
    WindowDifference.objects.bulk_create(rows)
    return found


def replace_windows(
    *,
    subscription: Subscription,
    period: Period,
    keys: AbstractSet[WindowKey],
    would_be: Mapping[WindowKey, WindowSums],
) -> list[UsageWindow]:
    """Replace those of these windows that differ from what they would be; return them as they were before.

    A window that was not there before is not among them. The caller holds the subscription's cutoff alone.
    """
    known = known_windows(subscription, period)
    replaced = []
    for key in sorted(keys):
        pair = _Pair(key, known.get(key), would_be.get(key), is_closed=True)
        has_changed = pair.window is None or _columns(pair.window) != _columns_of(pair.sums)
        if not has_changed or (pair.window is None and pair.sums is None):
            continue
        if pair.window is not None:
            replaced.append(copy(pair.window))
        _revise(pair)
    return replaced


def known_windows(
    subscription: Subscription, period: Period, meter: str = ""
) -> dict[WindowKey, UsageWindow]:
    """Return the windows of a period, of one meter or of all."""
    rows = UsageWindow.objects.filter(
        subscription=subscription,
        window_start__gte=period.start,
        window_start__lt=period.end,
    )
    if meter:
        rows = rows.filter(meter=meter)
    return {
        WindowKey(row.subscription_id, row.meter, to_us(row.window_start), row.dimensions): row
        for row in rows
    }


def _differs(pair: _Pair) -> bool:
    """Of a closed period only the quantity matters: a call that is not billed is stored behind the cutoff without more."""
    if pair.is_closed:
        total = pair.sums.total if pair.sums else Total()
        return total.quantity != (pair.window.quantity if pair.window else 0)
    return pair.window is None or _columns(pair.window) != _columns_of(pair.sums)


def _columns(window: UsageWindow) -> _Columns:
    return (
        window.quantity,
        window.value_sum,
        window.value_at,
        window.value_event_id,
        window.event_count,
        window.error_count,
    )


def _columns_of(sums: WindowSums | None) -> _Columns:
    if sums is None:
        return (ZERO, ZERO, None, None, 0, 0)
    total, is_latest = sums.total, sums.kind is Kind.LATEST
    return (
        total.quantity,
        total.value_sum,
        total.latest_at if is_latest else None,
        total.latest_id if is_latest else None,
        total.events,
        sums.errors,
    )


def _difference(rewind: UsageRewind, subscription: Subscription, pair: _Pair) -> WindowDifference:
    state = DifferenceState.OPEN if pair.is_closed else DifferenceState.REVISED
    window, sums, key = pair.window, pair.sums, pair.key
    total = sums.total if sums else Total()
    return WindowDifference(
        rewind=rewind,
        consumer_organization_id=subscription.consumer_organization_id,
        subscription=subscription,
        meter=key.meter,
        dimensions=key.dimensions,
        window_start=from_us(key.window_us),
        was_quantity=window.quantity if window else 0,
        was_event_count=window.event_count if window else 0,
        was_error_count=window.error_count if window else 0,
        quantity=total.quantity,
        event_count=total.events,
        error_count=sums.errors if sums else 0,
        is_period_closed=pair.is_closed,
        state=DifferenceState.FOUND if rewind.is_dry_run else state,
        resolved_at=None if pair.is_closed or rewind.is_dry_run else clock.now(),
    )


def _revise(pair: _Pair) -> None:
    """Replace a window; one without events stays as a row of nothing, because its revision may be known elsewhere."""
    window = pair.window
    if window is not None:
        window.revision += 1
    elif pair.sums is not None:
        window = _new_window(pair.key, pair.sums)
    else:  # a pair has at least one of the two
        return
    (
        window.quantity,
        window.value_sum,
        window.value_at,
        window.value_event_id,
        window.event_count,
        window.error_count,
    ) = _columns_of(pair.sums)
    window.save()
    if window.aggregation == Kind.UNIQUE:
        _replace_values(pair.key, pair.sums)


def _new_window(key: WindowKey, sums: WindowSums) -> UsageWindow:
    watermark_at, now = from_us(sums.watermark_us), clock.now()
    is_past = watermark_at <= now
    return UsageWindow(
        consumer_organization_id=sums.place.consumer_id,
        provider_organization_id=sums.place.provider_id,
        subscription_id=key.subscription_id,
        api_id=sums.place.api_id,
        meter=key.meter,
        dimensions=key.dimensions,
        aggregation=sums.kind.value,
        window_start=from_us(key.window_us),
        window_end=from_us(sums.end_us),
        watermark_at=watermark_at,
        status=WindowStatus.CLOSED if is_past else WindowStatus.OPEN,
        closed_at=now if is_past else None,
    )


def _replace_values(key: WindowKey, sums: WindowSums | None) -> None:
    UsageWindowValue.objects.filter(
        subscription_id=key.subscription_id,
        meter=key.meter,
        window_start=from_us(key.window_us),
        dimensions=key.dimensions,
    ).delete()
    if sums is not None:
        add_values((key, value) for value in sums.total.values)


def _replace_open_differences(
    rewind: UsageRewind, subscription: Subscription, period: Period
) -> None:
    """What an earlier rewind left open is seen anew by this one."""
    earlier = WindowDifference.objects.filter(
        subscription=subscription,
        window_start__gte=period.start,
        window_start__lt=period.end,
        state=DifferenceState.OPEN,
    )
    if rewind.meter:
        earlier = earlier.filter(meter=rewind.meter)
    earlier.update(state=DifferenceState.REPLACED, resolved_at=clock.now())

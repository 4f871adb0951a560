"""Settling what came after its period was closed: its windows are revised, once, because billing rates the period again.

Source: docs/domain/metering.md §5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.clock import Period
from apps.core.db import require_transaction
from apps.core.exceptions import InvalidInput
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date, start_of_day
from apps.usage.enums import Aggregation, DifferenceState, LateResolution
from apps.usage.exceptions import EventsDropped, LateEventResolved
from apps.usage.instants import from_us, to_us
from apps.usage.models import LateEvent, Meter, UsageWindow, WindowDifference
from apps.usage.selectors import quantities_in
from apps.usage.selectors.rewinds import month_without_events
from apps.usage.services.differing import replace_windows
from apps.usage.services.rewinding import lock_cutoff, recompute_steadily
from apps.usage.windows import WindowKey

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SettledUsage:
    """A closed period's usage as it is known now, beside what it was.

    `before` and `quantities` map meters to priced units. `superseded` maps the windows that were revised to the revision
    and the quantity that they had. `carries_on`: a level changed, so later periods change with it.
    """

    before: dict[str, Decimal]
    quantities: dict[str, Decimal]
    window_revisions: dict[UUID, int]
    superseded: dict[UUID, tuple[int, Decimal]]
    events: int
    carries_on: bool


def settle_usage(
    *, subscription: Subscription, period: Period, charged: Period
) -> SettledUsage | None:
    """Take the open late events and window differences of a closed period into its windows; None where there are none.

    Part of the transaction in which billing rates the period again.

    Args:
        period: whose windows are settled; its usage was closed before.
        charged: the part of it whose quantities are returned.

    Raises:
        EventsDropped: the events of a month are not stored any more.
        ArchiveDamaged: they lie in an archive that cannot be read.
    """
    require_transaction()
    lock_cutoff(subscription.pk)
    bounds = {
        "subscription": subscription,
        "window_start__gte": period.start,
        "window_start__lt": period.end,
    }
    late = LateEvent.objects.filter(**bounds, resolution=LateResolution.OPEN)
    differences = WindowDifference.objects.filter(**bounds, state=DifferenceState.OPEN)
    keys = _keys_of(late) | _keys_of(differences)
    if not keys:
        return None
    before, now = quantities_in(subscription.pk, charged), clock.now()
    # First, because windows hold what is settled.
    events = late.update(resolution=LateResolution.SETTLED, resolved_at=now, updated_at=now)
    differences.update(state=DifferenceState.SETTLED, resolved_at=now, updated_at=now)
    replaced = _revise(subscription, keys)
    return SettledUsage(
        before=before,
        quantities=quantities_in(subscription.pk, charged),
        window_revisions=window_revisions(subscription, charged),
        superseded={row.pk: (row.revision, row.quantity) for row in replaced},
        events=events,
        carries_on=_has_level(subscription, {key.meter for key in keys}),
    )


def _keys_of(rows: Iterable[LateEvent | WindowDifference]) -> set[WindowKey]:
    return {
        WindowKey(row.subscription_id, row.meter, to_us(row.window_start), row.dimensions)
        for row in rows
    }


def _revise(subscription: Subscription, keys: set[WindowKey]) -> list[UsageWindow]:
    """Compute the windows anew, a local day at a time; return those that were replaced, as they were before."""
    zone = subscription.timezone
    by_day: dict[date, set[WindowKey]] = {}
    for key in keys:
        by_day.setdefault(local_date(from_us(key.window_us), zone), set()).add(key)
    replaced: list[UsageWindow] = []
    for day, wanted in sorted(by_day.items()):
        period = Period(start_of_day(day, zone), start_of_day(day + ONE_DAY, zone))
        would_be = recompute_steadily(subscription, period)
        counted = UsageWindow.objects.filter(subscription=subscription, event_count__gt=0)
        month = month_without_events(period, counted)
        if month is not None:
            raise EventsDropped(month=month)
        replaced += replace_windows(
            subscription=subscription, period=period, keys=wanted, would_be=would_be
        )
    return replaced


def window_revisions(subscription: Subscription, period: Period) -> dict[UUID, int]:
    """Return the windows of a period with the revision that they are at."""
    windows = UsageWindow.objects.filter(
        subscription=subscription,
        window_start__gte=period.start,
        window_start__lt=period.end,
    )
    return dict(windows.values_list("id", "revision"))


def _has_level(subscription: Subscription, meters: set[str]) -> bool:
    rows = Meter.objects.filter(api_id=subscription.api_id, key__in=meters)
    return rows.filter(aggregation=Aggregation.TIME_WEIGHTED).exists()


@transaction.atomic
def waive_late_events(*, events: Sequence[LateEvent], actor: Actor, reason: str) -> int:
    """Charge open late events to nobody; return how many. They stay in the list, with the reason.

    Raises:
        InvalidInput: there is no reason.
        LateEventResolved: one of them is not open any more. Then none is waived.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidInput(_("Say why."), field="reason")
    ids = [event.pk for event in events]
    rows = list(LateEvent.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    for row in rows:
        if row.resolution != LateResolution.OPEN:
            raise LateEventResolved(field="late_events")
        row.resolution, row.reason = LateResolution.WAIVED, reason[:200]
        row.resolved_at, row.resolved_by_id = clock.now(), actor.user_id or actor.token_id
        row.save(
            update_fields=["resolution", "reason", "resolved_at", "resolved_by_id", "updated_at"]
        )
        record_audit(
            action="usage:late_event:waived",
            target=row,
            actor=actor,
            organization_id=row.consumer_organization_id,
            reason=reason,
            after={"meter": row.meter, "quantity": str(row.quantity)},
        )
    return len(rows)

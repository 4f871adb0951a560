"""Closing usage: windows that no longer change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.core import clock
from apps.core.clock import Period
from apps.core.events import publish
from apps.subscriptions.models import Subscription
from apps.usage.enums import WindowStatus
from apps.usage.events import UsageClosed
from apps.usage.exceptions import UsageNotComplete
from apps.usage.models import UsageCutoff, UsageWindow
from apps.usage.selectors import usage_is_complete


@dataclass(frozen=True, slots=True)
class ClosedUsage:
    """The closed windows of a period: what rating starts from.

    `quantities` maps each meter to its quantity; `window_revisions` maps window ids to the revision counted.
    """

    quantities: dict[str, Decimal]
    window_revisions: dict[UUID, int]


@transaction.atomic
def close_usage(
    *, subscription: Subscription, period: Period, complete_after: datetime
) -> ClosedUsage:
    """Close a period's usage: its windows no longer change, and later events become late events.

    Closing the same period again returns the same windows.

    Args:
        period: in the account's business time, on window borders.
        complete_after: real time that every shipper and the inbox must have passed.

    Raises:
        UsageNotComplete: a shipper or the inbox has not passed that time.
    Publishes: UsageClosed.
    """
    UsageCutoff.objects.get_or_create(subscription=subscription)
    cutoff = UsageCutoff.objects.select_for_update().get(subscription=subscription)
    if cutoff.closed_until is None or cutoff.closed_until < period.end:
        if not usage_is_complete(complete_after):
            raise UsageNotComplete
        cutoff.closed_until = period.end
        cutoff.save(update_fields=["closed_until"])
        UsageWindow.objects.filter(
            subscription=subscription, window_start__lt=period.end, status=WindowStatus.OPEN
        ).update(status=WindowStatus.CLOSED, closed_at=clock.now())
        publish(UsageClosed(subscription_id=subscription.pk, closed_until=period.end))
    return _closed_usage(subscription, period)


def _closed_usage(subscription: Subscription, period: Period) -> ClosedUsage:
    quantities: dict[str, Decimal] = {}
    revisions: dict[UUID, int] = {}
    windows = UsageWindow.objects.filter(
        subscription=subscription,
        window_start__gte=period.start,
        window_start__lt=period.end,
    ).values_list("id", "meter", "quantity", "revision")
    for pk, meter, quantity, revision in windows:
        quantities[meter] = quantities.get(meter, Decimal(0)) + quantity
        revisions[pk] = revision
    return ClosedUsage(quantities, revisions)

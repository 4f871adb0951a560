"""Opening billing periods, one after the other.

Source: docs/domain/billing.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod
from apps.billing.services.advance import bill_in_advance
from apps.core import clock
from apps.core.db import require_transaction
from apps.subscriptions.calendar import numbered_period, period_number_at
from apps.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class Opening:
    """A period that is to be open: where it joins one of the calendar that has begun, it is billed from `not_before` on."""

    subscription: Subscription
    number: int
    not_before: datetime | None = None


@transaction.atomic
def open_first_period(*, subscription: Subscription, at: datetime) -> BillingPeriod:
    """Open the period that holds the start of a subscription, once, and charge its fees in advance.

    Called again when a trial becomes paid service, which goes on in its period: then the fees of the days that are left are
    charged.
    """
    running = BillingPeriod.objects.filter(subscription=subscription, status=PeriodStatus.OPEN)
    period = running.first()
    if period is None:
        number = period_number_at(subscription, at)
        period = open_periods([Opening(subscription, number)])[0]
    BillingPeriod.objects.lock(period.pk)
    rows = BillingPeriod.objects.select_related(
        "consumer_organization", "subscription__api", "price_version__plan"
    )
    bill_in_advance(period=rows.get(pk=period.pk), at=at)
    return period


@transaction.atomic
def move_period_end(*, subscription_id: UUID, number: int, end: datetime) -> None:
    """Let a running period end at another moment, because its account moved to another time zone."""
    rows = BillingPeriod.objects.filter(
        subscription_id=subscription_id, number=number, status=PeriodStatus.OPEN
    )
    rows.filter(whole_end__isnull=False).update(whole_end=end)
    rows.update(period_end=end, updated_at=clock.now())


def open_periods(wanted: Sequence[Opening]) -> list[BillingPeriod]:
    """Open a period of each of several subscriptions, once, and return them in the same order. Two queries.

    Part of the caller's transaction; one that opens a following period holds the subscriptions' locks.
    """
    require_transaction()
    subscriptions = {each.subscription.pk: each.subscription for each in wanted}
    numbers = {each.number for each in wanted}
    rows = BillingPeriod.objects.filter(subscription__in=subscriptions, number__in=numbers, part=0)
    known = {(row.subscription_id, row.number): row for row in rows}
    missing = [each for each in wanted if (each.subscription.pk, each.number) not in known]
    for row in BillingPeriod.objects.bulk_create(_unsaved(each) for each in missing):
        known[row.subscription_id, row.number] = row
    for row in known.values():
        row.subscription = subscriptions[row.subscription_id]
    return [known[each.subscription.pk, each.number] for each in wanted]


def _unsaved(opening: Opening) -> BillingPeriod:
    subscription = opening.subscription
    span = numbered_period(subscription, opening.number)
    start = max(span.start, opening.not_before or span.start)
    is_short = start > span.start
    return BillingPeriod(
        subscription=subscription,
        number=opening.number,
        consumer_organization_id=subscription.consumer_organization_id,
        provider_organization_id=subscription.provider_organization_id,
        price_version=subscription.price_version,
        quantity=subscription.quantity,
        period_start=start,
        whole_start=span.start if is_short else None,
        whole_end=span.end if is_short else None,
        period_end=span.end,
    )

"""Telling consumers in time that a long period is nearly over and another one follows by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Q, QuerySet

from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod
from apps.core import clock
from apps.core.actors import Actor
from apps.core.querysets import only_of
from apps.pricing.enums import BillingInterval
from apps.subscriptions.constants import RENEWAL_NOTICE_DAYS
from apps.subscriptions.enums import NoticeKind, SubscriptionStatus
from apps.subscriptions.events import RenewalComing
from apps.subscriptions.services import announce_once

# A year, however a plan counts it.
_LONG: Final = (
    Q(price_version__interval=BillingInterval.YEAR)
    | Q(price_version__interval=BillingInterval.HALF_YEAR, price_version__interval_count__gte=2)
    | Q(price_version__interval=BillingInterval.QUARTER, price_version__interval_count__gte=4)
    | Q(price_version__interval=BillingInterval.MONTH, price_version__interval_count__gte=12)
)


def long_periods(organization_id: UUID | None = None) -> QuerySet[BillingPeriod]:
    """Return the running periods of a year or more after which another one follows by itself."""
    rows = BillingPeriod.objects.filter(
        _LONG,
        status=PeriodStatus.OPEN,
        subscription__status__in=(SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE),
    ).filter(Q(subscription__ends_at__isnull=True) | Q(subscription__ends_at__gt=F("period_end")))
    # The end of a fixed term is announced by itself.
    rows = rows.exclude(subscription__term_ends_at=F("period_end"))
    return only_of(rows, organization_id, field="consumer_organization_id")


def announce_renewals(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Tell consumers 30 days before a period of a year or more ends, once; return how many notices. Publishes RenewalComing."""
    now = clock.now() + F("consumer_organization__clock_offset")
    soon = long_periods(organization_id).filter(
        period_end__gt=now, period_end__lte=now + timedelta(days=max(RENEWAL_NOTICE_DAYS))
    )
    rows = soon.select_related("subscription__consumer_organization").order_by("pk")
    return sum(
        announce_once(
            subscription=row.subscription,
            kind=NoticeKind.RENEWAL,
            due_at=row.period_end,
            days=RENEWAL_NOTICE_DAYS,
            event=RenewalComing,
            actor=actor,
        )
        for row in rows.iterator(chunk_size=500)
    )

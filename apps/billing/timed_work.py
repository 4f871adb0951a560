"""What time brings about in an account's bills: periods are over, are closed once their calls are there, and become invoices."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.accounts.timed_work import CLOCK, TimedWork, Turn, earliest, happens, notice_due
from apps.billing.constants import WATERMARK_DELAY
from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod
from apps.billing.services.periods import close_due_periods
from apps.billing.services.renewals import announce_renewals, long_periods
from apps.core import clock
from apps.subscriptions.constants import RENEWAL_NOTICE_DAYS
from apps.usage.selectors import watermark_of


def _periods(organization: Organization, status: PeriodStatus) -> QuerySet[BillingPeriod]:
    rows = BillingPeriod.objects.filter(consumer_organization=organization, status=status)
    return rows.select_related("subscription")


def _next_closing(organization: Organization, after: datetime | None) -> datetime | None:
    """Return when the next period is over, or when the slowest meter of one that is being closed has nothing in time any more."""
    running = earliest(
        _periods(organization, PeriodStatus.OPEN),
        "period_end",
        after - WATERMARK_DELAY if after is not None else None,
    )
    moments = [_complete_at(period) for period in _periods(organization, PeriodStatus.CLOSING)]
    if running is not None:
        moments.append(running + WATERMARK_DELAY)
    return min((at for at in moments if after is None or at > after), default=None)


def _complete_at(period: BillingPeriod) -> datetime:
    return period.period_end + watermark_of(period.subscription)


def _close(organization: Organization) -> int:
    counts = close_due_periods(actor=CLOCK, organization_id=organization.pk)
    return counts["closed"]


def _waits_for_calls(organization: Organization) -> bool:
    """Whether a period could be closed by its account's clock, but its calls are still on their way."""
    now = clock.business_now(organization)
    closing = _periods(organization, PeriodStatus.CLOSING)
    return any(_complete_at(period) <= now for period in closing)


def _next_renewal_notice(organization: Organization, after: datetime | None) -> datetime | None:
    return notice_due(
        long_periods(organization.pk),
        "period_end",
        days=[max(RENEWAL_NOTICE_DAYS)],
        organization=organization,
        after=after,
    )


WORKS: Final = (
    TimedWork(
        name="billing.renewal_notices",
        label=_("Notices that a subscription is renewed"),
        turn=Turn.NOTICES,
        next_due=_next_renewal_notice,
        happen=happens(announce_renewals),
    ),
    TimedWork(
        name="billing.periods",
        label=_("Billing periods that were closed"),
        turn=Turn.PERIODS,
        next_due=_next_closing,
        happen=_close,
        waits=_waits_for_calls,
    ),
)

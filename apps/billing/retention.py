"""How long billing needs single calls: until every invoice built on them is old enough."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, Max, OuterRef

from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod, InvoiceLine
from apps.core.clock import Period
from apps.usage.retention import NO_END, months_after


def invoices_need(month: Period) -> datetime | None:
    """Return when every invoice on the calls of a month is `USAGE_EVENTS_KEPT_MONTHS` old. Two queries.

    A period that is not closed, or whose invoice is still a draft, needs its calls without end.
    """
    periods = BillingPeriod.objects.filter(period_start__lt=month.end, period_end__gt=month.start)
    lines = InvoiceLine.objects.filter(period__in=periods)
    drafts = lines.filter(period=OuterRef("pk"), invoice__issued_at=None)
    if periods.exclude(status=PeriodStatus.CLOSED).exists() or (
        periods.filter(Exists(drafts)).exists()
    ):
        return NO_END
    newest = lines.aggregate(newest=Max("invoice__issued_at"))["newest"]
    return None if newest is None else months_after(newest, settings.USAGE_EVENTS_KEPT_MONTHS)

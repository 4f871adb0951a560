"""What promotions gave, month by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from apps.billing.enums import LineKind
from apps.billing.models import InvoiceLine
from apps.core.formatting import format_month
from apps.core.money import Money
from apps.pricing.models import Promotion


@dataclass(frozen=True, slots=True)
class MonthGiven:
    """How many bills a promotion lowered in a month, and by how much in one currency."""

    month: date
    bills: int
    amount: Money

    @property
    def title(self) -> str:
        """The month in the reader's language."""
        return format_month(self.month)


def given_by_month(promotion: Promotion) -> list[MonthGiven]:
    """Return what a promotion gave by month of the billing day and currency, newest first. One query."""
    rows = (
        InvoiceLine.objects.filter(kind=LineKind.DISCOUNT, discount__promotion=promotion.public_id)
        .order_by()
        .annotate(month=TruncMonth("invoice__billing_day"))
        .values_list("month", "currency")
        .annotate(Count("id"), Sum("amount_minor"))
    )
    return [
        MonthGiven(month, bills, Money(-total, currency))
        for month, currency, bills, total in sorted(rows, reverse=True)
    ]

"""What promotions do to the fees that change hands with a change of plan: booked as it was quoted.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from apps.billing.enums import LineKind
from apps.billing.models import BillingPeriod, InvoiceLine
from apps.billing.services.discounts import DESCRIPTION_LENGTH, line_like, shares_of
from apps.core.db import require_transaction
from apps.subscriptions.change_discounts import QuotedDiscount, promotion_id_of
from apps.subscriptions.models import PromotionRedemption
from apps.subscriptions.running_periods import PrepaidDiscount
from apps.subscriptions.services.promotions import record_use


def book_discounts(
    *, lines: Sequence[InvoiceLine], discounts: Sequence[QuotedDiscount]
) -> list[InvoiceLine]:
    """Put what a change of plan has quoted of promotions behind the fees that it belongs to. Part of the caller's transaction."""
    require_transaction()
    by_component = {str(line.charge.component_id): line for line in lines if line.charge}
    made = []
    for number, item in enumerate(discounts, start=1):
        fees = [(by_component[key], share) for key, share in item.shares.items()]
        period = fees[0][0].period
        if period is None:
            continue
        redemption = PromotionRedemption.objects.select_related("promotion").get(
            subscription=period.subscription,
            promotion_id=promotion_id_of(item),
            withdrawn_at__isnull=True,
        )
        line = line_like(
            fees[0][0],
            redemption.promotion,
            position=lines[-1].position + number,
            amount=(item.amount_minor, item.tax_minor),
        )
        line.discount = {**item.working, "lines": shares_of(fees), "in_advance": True}
        if item.is_returned:
            name = _("%(name)s, unused days") % {"name": line.description}
            line.description = name[:DESCRIPTION_LENGTH]
        made.append(line)
        record_use(redemption=redemption, number=period.number, amount=-line.amount)
    return InvoiceLine.objects.bulk_create(made)


def discounts_by_line(period: BillingPeriod) -> dict[str, list[PrepaidDiscount]]:
    """Return what promotions took off each line of a period so far, by the line's public id. One query."""
    rows = InvoiceLine.objects.filter(period=period, kind=LineKind.DISCOUNT).order_by("id")
    found: dict[str, list[PrepaidDiscount]] = {}
    for row in rows:
        working = row.discount or {}
        for share in working["lines"] if "returned" not in working else ():
            discount = PrepaidDiscount(
                line=row.public_id, working=working, share_minor=share["amount_minor"]
            )
            found.setdefault(share["line"], []).append(discount)
    return found

"""What providers earn: each paid line, less the marketplace's fee."""

from __future__ import annotations

from apps.billing.constants import MARKETPLACE_FEE_PERCENT, PAYABLE_AFTER
from apps.billing.models import Earning, Invoice
from apps.core.db import require_transaction
from apps.core.money import Money


def accrue_earnings(*, invoice: Invoice) -> list[Earning]:
    """Record each provider's share of a paid invoice, once per line. Part of the caller's transaction.

    The fee is rounded once, half away from zero; net is gross less fee, so no cent is lost. Earnings of sandbox accounts are
    marked and never paid out.
    """
    require_transaction()
    earnings = []
    for line in invoice.lines.exclude(amount_minor=0):
        if line.provider_organization_id is None:
            continue
        gross = line.amount
        fee = Money.from_decimal(gross.amount * MARKETPLACE_FEE_PERCENT / 100, gross.currency)
        earnings.append(
            Earning(
                provider_organization_id=line.provider_organization_id,
                consumer_organization_id=line.consumer_organization_id,
                line=line,
                gross_minor=gross.amount_minor,
                fee_minor=fee.amount_minor,
                net_minor=(gross - fee).amount_minor,
                fee_percent=MARKETPLACE_FEE_PERCENT,
                currency=gross.currency,
                is_sandbox=invoice.is_sandbox,
                available_at=invoice.paid_at + PAYABLE_AFTER if invoice.paid_at else None,
            )
        )
    return Earning.objects.bulk_create(earnings)

"""What providers earn: each paid line, less the marketplace's fee; and what refunds take back of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from apps.billing.constants import MARKETPLACE_FEE_PERCENT, PAYABLE_AFTER
from apps.billing.models import CreditNoteLine, Earning, Invoice, InvoiceLine
from apps.core.db import require_transaction
from apps.core.money import Money, round_half_away


def accrue_earnings(*, invoices: Iterable[Invoice]) -> list[Earning]:
    """Record each provider's share of paid invoices, once per line. Two queries. Part of the caller's transaction.

    The fee is rounded once, half away from zero; net is gross less fee, so no cent is lost. Earnings of sandbox accounts are
    marked and never paid out.
    """
    require_transaction()
    paid = {invoice.pk: invoice for invoice in invoices}
    lines = InvoiceLine.objects.filter(invoice_id__in=paid).exclude(amount_minor=0)
    earnings = []
    for line in lines.order_by("invoice_id", "position"):
        invoice = paid[line.invoice_id]
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


def reverse_earnings(*, credit_lines: Sequence[CreditNoteLine]) -> list[Earning]:
    """Take back what providers earned with what a credit note gives back. Part of the caller's transaction.

    Each reversal is a row with negative amounts, payable when the earning is, so it lessens the next payout even where the
    earning was paid out before. The fee comes back in proportion, rounded over all reversals of a line together: a line that
    is given back in full leaves neither share nor fee.
    """
    require_transaction()
    ids = [line.line_id for line in credit_lines]
    earned = {row.line_id: row for row in Earning.objects.filter(line_id__in=ids, credit_line=None)}
    before = _reversed_before(ids)
    reversals = []
    for credit in credit_lines:
        earning = earned.get(credit.line_id)
        if earning is None or not credit.amount_minor:
            continue
        gross_before, fee_before = before.get(credit.line_id, (0, 0))
        fee = _fee_of(earning, gross_before + credit.amount_minor) - fee_before
        reversals.append(_reversal(earning, credit, fee))
    return Earning.objects.bulk_create(reversals)


def _reversed_before(line_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return the gross and the fee that earlier credit notes took back of each line, as positive numbers."""
    rows = (
        Earning.objects.filter(line_id__in=line_ids, credit_line__isnull=False)
        .order_by()
        .values_list("line_id")
        .annotate(Sum("gross_minor"), Sum("fee_minor"))
    )
    return {line_id: (-gross, -fee) for line_id, gross, fee in rows}


def _fee_of(earning: Earning, gross_minor: int) -> int:
    """Return the part of an earning's fee that belongs to a part of its gross, rounded once."""
    exact = Decimal(earning.fee_minor * gross_minor) / earning.gross_minor
    return int(round_half_away(exact, 0))


def _reversal(earning: Earning, credit: CreditNoteLine, fee_minor: int) -> Earning:
    return Earning(
        provider_organization_id=earning.provider_organization_id,
        consumer_organization_id=earning.consumer_organization_id,
        line_id=earning.line_id,
        credit_line=credit,
        gross_minor=-credit.amount_minor,
        fee_minor=-fee_minor,
        net_minor=fee_minor - credit.amount_minor,
        fee_percent=earning.fee_percent,
        currency=earning.currency,
        is_sandbox=earning.is_sandbox,
        available_at=earning.available_at,
    )

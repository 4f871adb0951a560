"""Credit notes: what a refund takes back of each invoice line, to the cent. Issued once, never changed.

A refund is split over what is left of every line's amount and tax, discounts included, in proportion, by largest remainder. So a part never
exceeds what is left, the parts add up to the refund, and the last credit note of an invoice takes exactly what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Sum

from apps.billing.constants import LIVE_CREDIT_SERIES, SANDBOX_CREDIT_SERIES
from apps.billing.models import CreditNote, CreditNoteLine, InvoiceLine, Refund
from apps.billing.services.earnings import reverse_earnings
from apps.billing.services.numbers import next_number
from apps.core import clock
from apps.core.db import require_transaction
from apps.core.money import Money


@dataclass(frozen=True, slots=True)
class LineShare:
    """A part of one invoice line, in minor units: before tax, and the tax."""

    line: InvoiceLine
    amount_minor: int
    tax_minor: int


def issue_credit_note(*, refund: Refund) -> CreditNote:
    """Issue the credit note of a refund, and take back the providers' part of it. Part of the caller's transaction.

    The caller holds the payment's lock and calls this last: the number's series is locked from here to the commit.
    """
    require_transaction()
    invoice = refund.invoice
    billed = list(invoice.lines.order_by("position"))
    shares = named_shares(refund, billed) or split_refund(
        amount=refund.amount, left=left_of_lines(billed)
    )
    subtotal = sum(share.amount_minor for share in shares)
    tax = sum(share.tax_minor for share in shares)
    number = next_number(SANDBOX_CREDIT_SERIES if invoice.is_sandbox else LIVE_CREDIT_SERIES)
    note = CreditNote.objects.create(
        organization_id=refund.organization_id,
        invoice=invoice,
        refund=refund,
        number=number,
        currency=refund.currency,
        subtotal_minor=subtotal,
        tax_minor=tax,
        total_minor=subtotal + tax,
        is_sandbox=invoice.is_sandbox,
        seller=invoice.seller,
        buyer=invoice.buyer,
        issued_at=clock.business_now(invoice.organization),
    )
    lines = CreditNoteLine.objects.bulk_create(
        _credit_line(note, share, position) for position, share in enumerate(shares, start=1)
    )
    reverse_earnings(credit_lines=lines)
    return note


def named_shares(refund: Refund, lines: Sequence[InvoiceLine]) -> list[LineShare]:
    """Return the parts of lines that a refund itself names, in the invoice's order; none where it names none."""
    named = refund.shares or {}
    found = [(line, named[line.public_id]) for line in lines if line.public_id in named]
    return [LineShare(line, amount, tax) for line, (amount, tax) in found]


def left_of_lines(lines: Sequence[InvoiceLine]) -> list[LineShare]:
    """Return what earlier credit notes have left of each line. One query."""
    credited = _credited([line.pk for line in lines])
    left = []
    for line in lines:
        amount, tax = credited.get(line.pk, (0, 0))
        left.append(LineShare(line, line.amount_minor - amount, line.tax_minor - tax))
    return left


def split_refund(*, amount: Money, left: Sequence[LineShare]) -> list[LineShare]:
    """Split an amount over what is left of the lines; lines that get nothing are left out.

    Raises:
        ValueError: more than what is left in all.
    """
    cells = [cell for share in left for cell in (share.amount_minor, share.tax_minor)]
    if amount.amount_minor > sum(cells):
        msg = f"{amount} is more than what is left of the lines"
        raise ValueError(msg)
    parts = _in_proportion(amount.amount_minor, cells)
    shares = [
        LineShare(share.line, parts[2 * number], parts[2 * number + 1])
        for number, share in enumerate(left)
    ]
    return [share for share in shares if share.amount_minor or share.tax_minor]


def _in_proportion(amount: int, cells: Sequence[int]) -> list[int]:
    """Split an amount over what is left, by largest remainder; a discount's negative cell takes its part of it too.

    So each line comes back by the same share as every other, and what providers give back is what they got.
    """
    whole = sum(cells)
    parts = [amount * cell // whole for cell in cells] if whole else [0] * len(cells)
    by_remainder = (
        sorted(range(len(cells)), key=lambda number: (-(amount * cells[number] % whole), number))
        if whole
        else []
    )
    for number in by_remainder[: amount - sum(parts)]:
        parts[number] += 1
    return parts


def _credited(line_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    rows = (
        CreditNoteLine.objects.filter(line_id__in=line_ids)
        .order_by()
        .values_list("line_id")
        .annotate(Sum("amount_minor"), Sum("tax_minor"))
    )
    return {line_id: (amount, tax) for line_id, amount, tax in rows}


def _credit_line(note: CreditNote, share: LineShare, position: int) -> CreditNoteLine:
    line = share.line
    return CreditNoteLine(
        consumer_organization_id=line.consumer_organization_id,
        provider_organization_id=line.provider_organization_id,
        credit_note=note,
        line=line,
        position=position,
        description=line.description,
        amount_minor=share.amount_minor,
        tax_percent=line.tax_percent,
        tax_minor=share.tax_minor,
        currency=line.currency,
    )

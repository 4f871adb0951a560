"""Credits that are greater than what they come off: carried from invoice to invoice, to the cent.

An invoice never goes below zero. What its credits would take off beyond that is put back by a line of its own and waits
as a `CarriedCredit`; the next invoice of the account in that currency takes it off. Both lines belong to the provider whose
credit it is, so earnings follow the money.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from apps.billing.enums import LineKind
from apps.billing.models import CarriedCredit, Invoice, InvoiceLine
from apps.core.db import require_transaction
from apps.core.money import round_half_away

Row = TypeVar("Row", CarriedCredit, InvoiceLine)


def settle_credits(invoice: Invoice) -> bool:
    """Take off what earlier invoices carried, or carry on what is too much; return whether lines were added.

    Part of finalisation: the caller holds the draft's lock and adds its lines up afterwards.
    """
    require_transaction()
    sums = invoice.lines.aggregate(amount=Sum("amount_minor"), tax=Sum("tax_minor"))
    total = (sums["amount"] or 0) + (sums["tax"] or 0)
    if total < 0:
        _carry_on(invoice, -total)
        return True
    return total > 0 and _use_carried(invoice, total)


def with_credits(invoices: Sequence[Invoice]) -> list[Invoice]:
    """Return those of several drafts whose credits may have to be settled. One query."""
    below_zero = {_account_of(row) for row in invoices if row.total_minor < 0}
    carried = CarriedCredit.objects.filter(
        organization__in={row.organization_id for row in invoices}, used_line__isnull=True
    )
    held = below_zero | set(carried.values_list("organization_id", "currency"))
    return [row for row in invoices if _account_of(row) in held]


def _account_of(invoice: Invoice) -> tuple[UUID, str]:
    return invoice.organization_id, invoice.currency


def _carry_on(invoice: Invoice, excess: int) -> None:
    """Put back what the invoice's credits take off below zero, the last credit first."""
    for credit in invoice.lines.filter(amount_minor__lt=0).order_by("-position"):
        if not excess:
            return
        amount, tax = _part_of(-credit.amount_minor, -credit.tax_minor, excess)
        line = _add_line(invoice, credit, (amount, tax), _("Carried to your next invoice"))
        CarriedCredit.objects.create(
            organization_id=invoice.organization_id,
            provider_organization_id=credit.provider_organization_id,
            from_line=line,
            amount_minor=amount,
            tax_minor=tax,
            tax_percent=credit.tax_percent,
            currency=invoice.currency,
        )
        excess -= amount + tax


def _use_carried(invoice: Invoice, total: int) -> bool:
    waiting = CarriedCredit.objects.filter(
        organization_id=invoice.organization_id, currency=invoice.currency, used_line__isnull=True
    )
    used = False
    for credit in waiting.select_for_update(no_key=True, of=("self",)).order_by("id"):
        if total <= 0:
            break
        amount, tax = _part_of(credit.amount_minor, credit.tax_minor, total)
        _keep_rest(credit, amount, tax)
        text = _("Carried from invoice %(number)s") % {"number": credit.from_line.invoice.number}
        credit.amount_minor, credit.tax_minor = amount, tax
        credit.used_line = _add_line(invoice, credit, (-amount, -tax), text)
        credit.save(update_fields=["amount_minor", "tax_minor", "used_line", "updated_at"])
        total -= amount + tax
        used = True
    return used


def _keep_rest(credit: CarriedCredit, amount: int, tax: int) -> None:
    """Let what an invoice does not use wait for the one after it, as a row of its own."""
    if (amount, tax) == (credit.amount_minor, credit.tax_minor):
        return
    CarriedCredit.objects.create(
        organization_id=credit.organization_id,
        provider_organization_id=credit.provider_organization_id,
        from_line_id=credit.from_line_id,
        amount_minor=credit.amount_minor - amount,
        tax_minor=credit.tax_minor - tax,
        tax_percent=credit.tax_percent,
        currency=credit.currency,
    )


def _part_of(amount: int, tax: int, most: int) -> tuple[int, int]:
    """Return an amount and its tax, cut in proportion to at most so much together."""
    whole = amount + tax
    if whole <= most:
        return amount, tax
    part = int(round_half_away(Decimal(amount * most) / whole, 0))
    return part, most - part


def _add_line(invoice: Invoice, source: Row, minor: tuple[int, int], text: str) -> InvoiceLine:
    last = invoice.lines.aggregate(last=Max("position"))["last"] or 0
    return InvoiceLine.objects.create(
        invoice=invoice,
        consumer_organization_id=invoice.organization_id,
        provider_organization_id=source.provider_organization_id,
        kind=LineKind.CARRIED,
        position=last + 1,
        description=text,
        quantity=Decimal(1),
        amount_minor=minor[0],
        tax_percent=source.tax_percent,
        tax_minor=minor[1],
        currency=invoice.currency,
    )

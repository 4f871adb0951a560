"""Invoices and credit notes in words: the documents that PDF and page share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.billing.documents import (
    DocumentLine,
    Fact,
    InvoiceDocument,
    LineStep,
    Party,
    PaymentState,
    Tone,
)
from apps.billing.documents.discounts import describe_discount
from apps.billing.documents.explanations import describe_step
from apps.billing.documents.labels import credit_note_labels, invoice_labels
from apps.billing.enums import InvoiceStatus
from apps.billing.models import CreditNote, CreditNoteLine, Invoice, InvoiceLine, Refund
from apps.core import clock
from apps.core.formatting import format_day, format_money, format_number
from apps.pricing.calculator import Step
from apps.subscriptions.periods import local_date


def invoice_document(
    invoice: Invoice, lines: Sequence[InvoiceLine] | None = None
) -> InvoiceDocument:
    """Describe an invoice in the active language; lines that are not given are read in one query."""
    if lines is None:
        lines = list(
            invoice.lines.select_related("charge", "period__subscription").order_by("position")
        )
    facts = [
        Fact(_("Date of issue"), _day(invoice.issued_at)),
        Fact(_("Due"), _day(invoice.due_at)),
    ]
    return InvoiceDocument(
        language=_language(),
        number=invoice.number or "",
        issued_at=invoice.issued_at or clock.now(),
        seller=_party(invoice.seller),
        buyer=_party(invoice.buyer),
        lines=tuple(_line(line) for line in lines),
        subtotal=format_money(invoice.subtotal),
        taxes=(Fact(_("Tax"), format_money(invoice.tax)),),
        total=format_money(invoice.total),
        amount_due=format_money(invoice.amount_due),
        payment=payment_state(invoice),
        facts=tuple(facts),
        stamp=_("Test") if invoice.is_sandbox else "",
        proof=_("Each line's reference leads to the calls behind it, in the portal and by API."),
        labels=invoice_labels(),
    )


def credit_note_document(
    note: CreditNote, lines: Sequence[CreditNoteLine] | None = None
) -> InvoiceDocument:
    """Describe a credit note in the active language; lines that are not given are read in one query."""
    if lines is None:
        lines = list(note.lines.select_related("line__period__subscription").order_by("position"))
    return InvoiceDocument(
        language=_language(),
        number=note.number,
        issued_at=note.issued_at,
        seller=_party(note.seller),
        buyer=_party(note.buyer),
        lines=tuple(_credit_line(line) for line in lines),
        subtotal=format_money(note.subtotal),
        taxes=(Fact(_("Tax"), format_money(note.tax)),),
        total=format_money(note.total),
        amount_due=format_money(note.total),
        payment=PaymentState(text=_("Given back"), tone=Tone.OK, detail=_day(note.issued_at)),
        facts=(
            Fact(_("Date of issue"), _day(note.issued_at)),
            Fact(_("For invoice"), note.invoice.number or ""),
            Fact(_("Invoice of"), _day(note.invoice.issued_at)),
        ),
        stamp=_("Test") if note.is_sandbox else "",
        proof=_(
            "Each line's reference is the line of the invoice that is taken back in part or in full."
        ),
        labels=credit_note_labels(),
    )


def refund_failure(refund: Refund) -> str:
    """Say why a refund could not be paid; empty if it did not fail."""
    known = {
        "lost_or_stolen_card": _("The card was reported lost or stolen."),
        "expired_or_canceled_card": _("The card has expired or was cancelled."),
        "charge_for_pending_refund_disputed": _("The payment is disputed at the bank."),
        "insufficient_funds": _("The marketplace's balance at the payment provider is too low."),
        "declined": _("The bank declined the refund."),
        "charge_already_refunded": _("The payment was given back already."),
    }
    return known.get(refund.failure_code) or refund.failure_message or refund.failure_code


def payment_state(invoice: Invoice) -> PaymentState:
    """Say what has become of the invoice."""
    if invoice.status == InvoiceStatus.PAID:
        return PaymentState(text=_("Paid"), tone=Tone.OK, detail=_day(invoice.paid_at))
    if invoice.status == InvoiceStatus.OPEN:
        now = clock.business_now(invoice.organization)
        if invoice.due_at is not None and invoice.due_at < now:
            return PaymentState(text=_("Overdue"), tone=Tone.BAD, detail=_day(invoice.due_at))
        return PaymentState(text=_("Open"), tone=Tone.WARN, detail=_day(invoice.due_at))
    return PaymentState(text=invoice.get_status_display(), tone=Tone.NEUTRAL)


def explain_line(line: InvoiceLine) -> list[Step]:
    """Return the steps that made a line's amount."""
    if line.charge is None:
        return []
    return [Step.from_json(step) for step in line.charge.calculation["steps"]]


def working_of(line: InvoiceLine) -> list[LineStep]:
    """Return a line's working in the active language: the steps of a charge, or what a discount lowers."""
    if line.discount is not None:
        return describe_discount(line.discount, line.currency)
    return [describe_step(step, line.currency) for step in explain_line(line)]


def _line(line: InvoiceLine) -> DocumentLine:
    steps = tuple(working_of(line))
    return DocumentLine(
        title=line.description,
        detail=span_of(line),
        quantity=format_number(line.quantity) if line.quantity else "",
        amount=format_money(line.amount),
        reference=line.public_id,
        steps=steps,
    )


def _credit_line(credit: CreditNoteLine) -> DocumentLine:
    return DocumentLine(
        title=credit.description,
        detail=span_of(credit.line),
        amount=format_money(credit.amount),
        reference=credit.line.public_id,
    )


def span_of(line: InvoiceLine) -> str:
    """Name the period by its first and last local day."""
    if line.period is None:
        return ""
    zone = line.period.subscription.timezone
    first = local_date(line.period.period_start, zone)
    after = local_date(line.period.period_end, zone)
    last = after.fromordinal(after.toordinal() - 1)
    return f"{format_day(first)} – {format_day(last)}"


def _party(facts: Mapping[str, str]) -> Party:
    address = tuple(row for row in facts.get("address", "").splitlines() if row.strip())
    return Party(
        name=facts.get("name", ""),
        address=(*address, facts["country"]) if facts.get("country") else address,
        tax_id=facts.get("tax_id", ""),
        contact=facts.get("contact", ""),
    )


def _day(instant: datetime | None) -> str:
    return format_day(instant) if instant else ""


def _language() -> str:
    return (get_language() or "en").split("-", maxsplit=1)[0]

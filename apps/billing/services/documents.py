"""Invoices and credit notes as PDF: rendered from what they say, in the buyer's language."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.utils.translation import override

from apps.accounts.models import Organization
from apps.accounts.selectors import owner_language
from apps.billing.documents import render_invoice_pdf
from apps.billing.exceptions import InvoiceNotIssued
from apps.billing.models import CreditNote, Invoice
from apps.billing.presentation import credit_note_document, invoice_document


def render_pdf(*, invoice: Invoice) -> bytes:
    """Return the invoice as PDF bytes, in the language of the organization's owner."""
    with override(language_of(invoice.organization)):
        return render_invoice_pdf(invoice_document(invoice))


def read_pdf(*, invoice: Invoice) -> bytes:
    """Return the stored PDF of an issued invoice, or render it where none is stored yet.

    Raises:
        InvoiceNotIssued: a draft has no document.
    """
    if not invoice.number:
        raise InvoiceNotIssued
    if invoice.pdf.name and invoice.pdf.storage.exists(invoice.pdf.name):
        with invoice.pdf.open("rb") as file:
            return bytes(file.read())
    return render_pdf(invoice=invoice)


def store_pdf(*, invoice: Invoice) -> Invoice:
    """Render the PDF and keep it beside the invoice; again replaces it with the current state.

    The number, lines and amounts never change after issue; only the payment state shown does.
    """
    content = render_pdf(invoice=invoice)
    previous = invoice.pdf.name
    invoice.pdf.save(f"{invoice.number}.pdf", ContentFile(content), save=False)
    Invoice.objects.filter(pk=invoice.pk).update(pdf=invoice.pdf.name)
    if previous and previous != invoice.pdf.name:
        invoice.pdf.storage.delete(previous)
    return invoice


def render_credit_note_pdf(*, note: CreditNote) -> bytes:
    """Return a credit note as PDF bytes, in the language of the payer's owner; it never changes, so it is not stored."""
    with override(language_of(note.invoice.organization)):
        return render_invoice_pdf(credit_note_document(note))


def language_of(organization: Organization) -> str:
    """Return the language that an organization's owner reads."""
    return owner_language(organization)

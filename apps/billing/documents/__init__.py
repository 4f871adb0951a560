"""Documents that leave the house: the invoice as PDF."""

from apps.billing.documents.model import (
    DocumentLine,
    Fact,
    InvoiceDocument,
    LineStep,
    Party,
    PaymentState,
    Tone,
)
from apps.billing.documents.renderer import render_invoice_pages, render_invoice_pdf

__all__ = [
    "DocumentLine",
    "Fact",
    "InvoiceDocument",
    "LineStep",
    "Party",
    "PaymentState",
    "Tone",
    "render_invoice_pages",
    "render_invoice_pdf",
]

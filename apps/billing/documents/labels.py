"""The fixed words of an invoice, in the active language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def invoice_labels() -> dict[str, str]:
    """Return what `InvoiceDocument.labels` needs; call it under the recipient's language."""
    return {
        "amount": pgettext("invoice", "Amount"),
        "amount_due": pgettext("invoice", "Amount due"),
        "bill_to": pgettext("invoice", "Bill to"),
        "description": pgettext("invoice", "Description"),
        "from": pgettext("invoice", "From"),
        "invoice": pgettext("invoice", "Invoice"),
        "page": _("Page {page} of {pages}"),
        "quantity": pgettext("invoice", "Quantity"),
        "reference": pgettext("invoice", "Line"),
        "subtotal": pgettext("invoice", "Subtotal"),
        "tax_id": pgettext("invoice", "Tax id"),
        "total": pgettext("invoice", "Total"),
        "unit_price": pgettext("invoice", "Unit price"),
    }


def credit_note_labels() -> dict[str, str]:
    """Return the words of a credit note, laid out as an invoice is."""
    return invoice_labels() | {
        "invoice": pgettext("invoice", "Credit note"),
        "amount_due": pgettext("invoice", "Given back"),
    }

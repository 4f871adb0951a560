"""Portal pages of billing."""

from apps.billing.views.overview import (
    add_method,
    earnings,
    home,
    invoice,
    invoice_pdf,
    line,
    method_added,
    pay,
    remove_method,
    tax_details,
)
from apps.billing.views.refunds import (
    ask_refund,
    credit_note,
    credit_note_pdf,
    withdraw_refund,
)

__all__ = (
    "add_method",
    "ask_refund",
    "credit_note",
    "credit_note_pdf",
    "earnings",
    "home",
    "invoice",
    "invoice_pdf",
    "line",
    "method_added",
    "pay",
    "remove_method",
    "tax_details",
    "withdraw_refund",
)

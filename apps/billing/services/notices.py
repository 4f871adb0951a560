"""Telling people about their bills, in the portal and by mail; each fact once."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import override

from apps.billing.models import Invoice, Payment
from apps.billing.services.documents import language_of
from apps.core.formatting import format_day, format_money
from apps.notifications.services import Message, notify_members

READERS = "billing.read"


def tell_issued(*, invoice: Invoice) -> None:
    """Tell who reads the bills of an invoice's organization that it was issued; nothing to pay, nothing to tell."""
    if invoice.total_minor > 0:
        _tell(invoice, "billing.invoice_issued", key=invoice.public_id)


def tell_paid(*, invoice: Invoice) -> None:
    """Tell that an invoice is settled; nothing to pay, nothing to tell."""
    if invoice.total_minor > 0:
        _tell(invoice, "billing.invoice_paid", key=invoice.public_id)


def tell_failed(*, payment: Payment) -> None:
    """Tell that a payment was declined, and why."""
    reason = payment.failure_message or payment.failure_code
    _tell(payment.invoice, "billing.payment_failed", key=payment.public_id, reason=reason)


def _tell(invoice: Invoice, kind: str, *, key: str, **extra: Any) -> None:
    # Amounts and days are written once, in the language of the organization's owner.
    with override(language_of(invoice.organization)):
        context = {
            "number": invoice.number,
            "total": format_money(invoice.total),
            "due": format_day(invoice.due_at) if invoice.due_at else "",
            **extra,
        }
    message = Message(
        kind=kind,
        dedupe_key=f"{kind}:{key}",
        url=reverse("billing:invoice", args=[invoice.public_id]),
        context=context,
    )
    notify_members(organization=invoice.organization, permission=READERS, message=message)

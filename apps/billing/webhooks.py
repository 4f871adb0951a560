"""What a payer's own programs hear about its invoices. Told by the relay: money waits for nobody."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.billing.events import (
    InvoiceIssued,
    InvoicePaid,
    PaymentFailed,
    RefundFailed,
    RefundSucceeded,
)
from apps.billing.models import Invoice, Payment, Refund
from apps.core.events import receives
from apps.notifications.webhooks import WebhookEventType, publish_webhook

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "inv_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "number": "2026-000042",
    "status": "open",
    "currency": "EUR",
    "total_minor": 11900,
    "amount_due_minor": 11900,
    "issued_at": "2026-11-01T06:00:00+00:00",
    "due_at": "2026-11-15T06:00:00+00:00",
}
ISSUED: Final = WebhookEventType(
    "invoice.issued", _("An invoice got its number; it never changes again."), _EXAMPLE
)
PAID: Final = WebhookEventType(
    "invoice.paid",
    _("An invoice was paid in full."),
    {**_EXAMPLE, "status": "paid", "amount_due_minor": 0},
)
FAILED: Final = WebhookEventType(
    "payment.failed",
    _("A payment of an invoice was declined."),
    {
        "id": "pay_01jd0zq6f8e9xvgq0t4f3m2n1r",
        "amount_minor": 11900,
        "currency": "EUR",
        "failure_code": "card_declined",
        "invoice": _EXAMPLE,
    },
)
_REFUND_EXAMPLE: Final[dict[str, Any]] = {
    "id": "rfd_01jd0zq6f8e9xvgq0t4f3m2n1s",
    "status": "succeeded",
    "amount_minor": 1900,
    "currency": "EUR",
    "credit_note": "CN-000007",
    "failure_code": "",
    "invoice": {**_EXAMPLE, "status": "paid", "amount_due_minor": 0},
}
REFUNDED: Final = WebhookEventType(
    "refund.succeeded",
    _("Money of an invoice went back, and its credit note was issued."),
    _REFUND_EXAMPLE,
)
REFUND_FAILED: Final = WebhookEventType(
    "refund.failed",
    _("An approved refund could not be paid; the marketplace looks at it."),
    {
        **_REFUND_EXAMPLE,
        "status": "failed",
        "credit_note": None,
        "failure_code": "lost_or_stolen_card",
    },
)
ALL: Final = (ISSUED, PAID, FAILED, REFUNDED, REFUND_FAILED)


@receives(InvoiceIssued)
def publish_issued(event: InvoiceIssued) -> None:
    """Tell that there is a new invoice."""
    _publish_invoice(
        ISSUED, Invoice.objects.select_related("organization").get(pk=event.invoice_id)
    )


@receives(InvoicePaid)
def publish_paid(event: InvoicePaid) -> None:
    """Tell that an invoice is settled."""
    _publish_invoice(PAID, Invoice.objects.select_related("organization").get(pk=event.invoice_id))


@receives(PaymentFailed)
def publish_failed_payment(event: PaymentFailed) -> None:
    """Tell that a payment was declined, and the bank's code for it."""
    payment = Payment.objects.select_related("invoice__organization").get(pk=event.payment_id)
    data = {
        "id": payment.public_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "failure_code": payment.failure_code,
        "invoice": _facts(payment.invoice),
    }
    with transaction.atomic():
        publish_webhook(
            organization=payment.invoice.organization,
            event_type=FAILED.name,
            data=data,
            dedupe_key=str(payment.pk),
            occurred_at=payment.completed_at,
        )


@receives(RefundSucceeded)
def publish_refunded(event: RefundSucceeded) -> None:
    """Tell that money went back."""
    _publish_refund(REFUNDED, event.refund_id, "succeeded")


@receives(RefundFailed)
def publish_failed_refund(event: RefundFailed) -> None:
    """Tell that an approved refund could not be paid."""
    _publish_refund(REFUND_FAILED, event.refund_id, f"failed:{event.attempt}")


def _publish_refund(kind: WebhookEventType, refund_id: UUID, what: str) -> None:
    rows = Refund.objects.select_related("invoice__organization", "credit_note")
    refund = rows.get(pk=refund_id)
    note = getattr(refund, "credit_note", None)
    data = {
        "id": refund.public_id,
        "status": refund.status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "credit_note": note.number if note else None,
        "failure_code": refund.failure_code,
        "invoice": _facts(refund.invoice),
    }
    with transaction.atomic():
        publish_webhook(
            organization=refund.invoice.organization,
            event_type=kind.name,
            data=data,
            dedupe_key=f"{refund.pk}:{what}",
            occurred_at=refund.completed_at,
        )


def _publish_invoice(kind: WebhookEventType, invoice: Invoice) -> None:
    with transaction.atomic():
        publish_webhook(
            organization=invoice.organization,
            event_type=kind.name,
            data=_facts(invoice),
            dedupe_key=str(invoice.pk),
            occurred_at=invoice.paid_at if kind is PAID else invoice.issued_at,
        )


def _facts(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": invoice.public_id,
        "number": invoice.number,
        "status": invoice.status,
        "currency": invoice.currency,
        "total_minor": invoice.total_minor,
        "amount_due_minor": invoice.amount_due.amount_minor,
        "issued_at": invoice.issued_at.isoformat() if invoice.issued_at else None,
        "due_at": invoice.due_at.isoformat() if invoice.due_at else None,
    }

"""What the billing pages say in words: states, histories, outcomes of a payment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.billing.documents import LineStep
from apps.billing.documents.explanations import describe_step
from apps.billing.enums import InvoiceStatus, PaymentStatus
from apps.billing.models import Invoice, Payment
from apps.billing.proofs import LineProof
from apps.core import clock
from apps.core.actors import Actor
from apps.core.models import AuditEvent
from apps.core.money import Money

OVERDUE: Final = "overdue"
TITLES: Final[dict[str, str | Promise]] = {
    "billing:invoice:issued": gettext_lazy("Issued"),
    "billing:invoice:paid": gettext_lazy("Paid in full"),
    "billing:payment:reserved": gettext_lazy("Payment started"),
    "billing:payment:submitted": gettext_lazy("Sent to the payment provider"),
    "billing:payment:succeeded": gettext_lazy("Payment succeeded"),
    "billing:payment:failed": gettext_lazy("Payment declined"),
    "billing:payment:requires_action": gettext_lazy("The bank asks the card holder to confirm"),
    "billing:payment:cancelled": gettext_lazy("Payment cancelled"),
    "billing:payment:refunded": gettext_lazy("All of the payment was given back"),
    "billing:payment:partially_refunded": gettext_lazy("A part of the payment was given back"),
    "billing:refund:requested": gettext_lazy("Refund asked for"),
    "billing:refund:approved": gettext_lazy("Refund approved"),
    "billing:refund:rejected": gettext_lazy("Refund not approved"),
    "billing:refund:cancelled": gettext_lazy("Refund withdrawn"),
    "billing:refund:processing": gettext_lazy("Refund sent to the payment provider"),
    "billing:refund:succeeded": gettext_lazy("Refund paid"),
    "billing:refund:failed": gettext_lazy("Refund failed"),
    "billing:refund:retried": gettext_lazy("Refund tried again"),
}
TONES: Final = {
    "billing:invoice:paid": "ok",
    "billing:payment:succeeded": "ok",
    "billing:payment:failed": "bad",
    "billing:payment:requires_action": "warn",
    "billing:refund:succeeded": "ok",
    "billing:refund:rejected": "bad",
    "billing:refund:failed": "bad",
}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened, for the timeline."""

    title: str | Promise
    at: datetime
    by: str = ""
    note: str = ""
    tone: str = ""


def state_of(invoice: Invoice) -> str:
    """Return the state to show: an open invoice past due is overdue."""
    if invoice.status == InvoiceStatus.OPEN and invoice.due_at is not None:
        is_late = invoice.due_at < clock.business_now(invoice.organization)
        return OVERDUE if is_late else str(invoice.status)
    return str(invoice.status)


def can_pay(invoice: Invoice, actor: Actor) -> bool:
    """Whether this person may pay this invoice now."""
    payable = {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}
    return invoice.status in payable and actor.can("billing.manage")


def can_ask_refund(left: Money, actor: Actor) -> bool:
    """Whether this person may ask for what is left of an invoice's payment."""
    return left.amount_minor > 0 and actor.can("billing.manage")


def history_entries(events: Iterable[AuditEvent]) -> list[HistoryEntry]:
    """Write the audit trail of an invoice as a timeline."""
    return [
        HistoryEntry(
            title=TITLES.get(event.action, event.action),
            at=event.occurred_at,
            by=event.actor_label,
            note=str(event.after.get("provider_reference") or event.after.get("code") or ""),
            tone=TONES.get(event.action, ""),
        )
        for event in events
    ]


def described_steps(proof: LineProof) -> list[LineStep]:
    """Write a line's calculation in the reader's words."""
    return [describe_step(step, proof.line.currency) for step in proof.steps]


def tell_payment(request: HttpRequest, payment: Payment) -> None:
    """Tell the payer what became of the payment."""
    if payment.status == PaymentStatus.FAILED:
        reason = payment.failure_message or payment.failure_code
        messages.error(request, _("The payment was declined: %(reason)s") % {"reason": reason})
    elif payment.status == PaymentStatus.SUCCEEDED:
        messages.success(request, _("Paid. Thank you."))
    else:
        messages.info(request, _("The payment is under way; this takes a few seconds."))

"""How the approval engine handles a refund."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from apps.approvals.models import ApprovalRequest
from apps.billing.constants import REFUND_SUBJECT
from apps.billing.models import Refund
from apps.billing.selectors import credit_notes_of, earlier_refunds, list_lines
from apps.billing.services import refunds
from apps.core.actors import Actor


class RefundHandler:
    """Approved: the money is sent back. Rejected or withdrawn: everything stays as it is."""

    subject_type = REFUND_SUBJECT
    label: str | Promise = gettext_lazy("Refund")
    permission = "billing.manage"
    review_template = "billing/_review_refund.html"

    def on_approved(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Let the money go back; it is sent when the decision is committed."""
        refunds.approve_refund(
            refund=_refund(request), comment=request.decision_comment, actor=actor
        )

    def on_rejected(self, request: ApprovalRequest, *, actor: Actor, comment: str) -> None:
        """Keep the money, and the reason."""
        refunds.reject_refund(refund=_refund(request), comment=comment, actor=actor)

    def on_cancelled(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Keep the money."""
        refunds.drop_refund(refund=_refund(request), actor=actor)

    def may_decide(self, request: ApprovalRequest, actor: Actor) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Nothing beyond the engine's own rules."""
        return True

    def review_context(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return what was paid for what, what is asked for and why, and what was given back before."""
        refund = _refund(request)
        return {
            "refund": refund,
            "invoice": refund.invoice,
            "payment": refund.payment,
            "lines": list(list_lines(refund.invoice)),
            "earlier": list(earlier_refunds(refund)),
            "credit_notes": list(credit_notes_of(refund.invoice)),
        }

    def subject_summary(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the refund in short."""
        refund = _refund(request)
        return {
            "id": refund.public_id,
            "status": refund.status,
            "invoice": refund.invoice.public_id,
            "invoice_number": refund.invoice.number,
            "invoice_total_minor": refund.invoice.total_minor,
            "amount_minor": refund.amount_minor,
            "currency": refund.currency,
            "refunded_before_minor": refund.payment.refunded_minor,
            "reason": refund.reason,
        }

    def subject_path(self, request: ApprovalRequest) -> str:
        """Return the payer's page of the invoice."""
        return reverse("billing:invoice", args=[_refund(request).invoice.public_id])


def _refund(request: ApprovalRequest) -> Refund:
    rows = Refund.objects.select_related("invoice__organization", "payment__method")
    return rows.get(pk=request.subject_id)

"""Refunds as a question and its answer: asked for, decided, tried again. `refund_sending` moves the money.

Locks are taken in one order: the approval request, the payment, the refund.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import override

from apps.approvals.enums import Priority
from apps.approvals.selectors import find_open_request
from apps.approvals.services import Submission, cancel_request, open_request
from apps.billing.constants import REFUND_REASON_MAX_LENGTH_CHARS, REFUND_SUBJECT
from apps.billing.enums import OPEN_REFUNDS, PaymentStatus, RefundStatus
from apps.billing.exceptions import NothingToRefund, RefundTooHigh, RefundUnderWay
from apps.billing.models import CreditNote, Invoice, Payment, Refund
from apps.billing.topics import SEND_REFUND_TOPIC
from apps.billing.transitions import REFUND
from apps.core import clock, outbox
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput, InvalidTransition
from apps.core.formatting import format_money
from apps.core.money import Money

REFUNDABLE = (PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_REFUNDED)


@transaction.atomic
def request_refund(
    *, invoice: Invoice, reason: str, actor: Actor, amount: Money | None = None
) -> Refund:
    """Ask for a paid invoice's money back: an amount, or all that is left; approvers decide.

    Raises:
        InvalidInput: no reason, or one that is too long; nothing or less asked for; another currency.
        NothingToRefund, RefundUnderWay: 409.
        RefundTooHigh: more than what is left; names `amount`.

    Publishes: ApprovalRequested.
    """
    reason = _checked_reason(reason)
    payment = _lock_payment(invoice)
    if Refund.objects.filter(invoice=invoice, status__in=OPEN_REFUNDS).exists():
        raise RefundUnderWay
    wanted = _checked_amount(payment, amount)
    refund = Refund(
        organization_id=invoice.organization_id,
        invoice=invoice,
        payment=payment,
        amount_minor=wanted.amount_minor,
        currency=wanted.currency,
        reason=reason,
    )
    _save_open(refund)
    record_audit(
        action="billing:refund:requested",
        target=refund,
        actor=actor,
        after={"invoice": invoice.public_id, "amount": wanted},
        reason=reason,
    )
    open_request(submission=_submission(refund), actor=actor)
    return refund


@transaction.atomic
def approve_refund(*, refund: Refund, comment: str, actor: Actor) -> Refund:
    """Let the money go back: it is sent when this transaction is committed."""
    refund = _decide(refund, RefundStatus.APPROVED, comment=comment, actor=actor)
    enqueue_refund(refund)
    return refund


@transaction.atomic
def reject_refund(*, refund: Refund, comment: str, actor: Actor) -> Refund:
    """Refuse a refund; the comment is the reason that the payer reads."""
    return _decide(refund, RefundStatus.REJECTED, comment=comment, actor=actor)


@transaction.atomic
def drop_refund(*, refund: Refund, actor: Actor) -> Refund:
    """End a refund that nobody wants any more, or that nobody decided."""
    return _decide(refund, RefundStatus.CANCELLED, comment="", actor=actor)


@transaction.atomic
def withdraw_refund(*, refund: Refund, actor: Actor) -> Refund:
    """Take the question back, as its requester's side, while it is undecided.

    Raises:
        InvalidTransition: it is decided already.

    Publishes: ApprovalCancelled.
    """
    request = find_open_request(REFUND_SUBJECT, refund.pk)
    if request is None:
        raise InvalidTransition(current=refund.status, wanted=RefundStatus.CANCELLED)
    cancel_request(request=request, actor=actor)
    refund.refresh_from_db()
    return refund


@transaction.atomic
def retry_refund(*, refund: Refund, actor: Actor) -> Refund:
    """Send a failed refund again, under a new key; it was approved before.

    Raises:
        InvalidTransition: it did not fail.
        RefundUnderWay, RefundTooHigh: something else was given back since.
    """
    payment = Payment.objects.lock(refund.payment_id)
    refund = Refund.objects.lock(refund.pk)
    if refund.status != RefundStatus.FAILED:
        # The table also lets approvers approve; trying again must not take their place.
        raise InvalidTransition(current=refund.status, wanted=RefundStatus.APPROVED)
    if not CreditNote.objects.filter(refund=refund).exists():
        # What a credit note stands for is counted as given back already: the payer only lacks the money.
        _checked_amount(payment, refund.amount)
    before = {"code": refund.failure_code, "provider_reference": refund.provider_reference}
    refund.status, refund.attempt = RefundStatus.APPROVED, refund.attempt + 1
    refund.provider_reference = refund.failure_code = refund.failure_message = ""
    refund.completed_at = None
    _save_open(refund)
    record_audit(
        action="billing:refund:retried",
        target=refund,
        actor=actor,
        before=before,
        after={"attempt": refund.attempt},
    )
    enqueue_refund(refund)
    return refund


def refundable_amount(invoice: Invoice) -> Money:
    """Return what can still be asked for: what was paid, less what was given back; zero while a refund is open."""
    payment = _paid_by(invoice).first()
    if payment is None or Refund.objects.filter(invoice=invoice, status__in=OPEN_REFUNDS).exists():
        return Money.zero(invoice.currency)
    return Money(payment.amount_minor - payment.refunded_minor, payment.currency)


def _decide(refund: Refund, status: RefundStatus, *, comment: str, actor: Actor) -> Refund:
    refund = Refund.objects.lock(refund.pk)
    before = {"status": refund.status}
    if refund.status != RefundStatus.REQUESTED:
        raise InvalidTransition(current=refund.status, wanted=status)
    REFUND.require(RefundStatus(refund.status), status)
    refund.status, refund.decision_comment = status, comment
    if status != RefundStatus.APPROVED:
        refund.completed_at = clock.now()
    refund.save(update_fields=["status", "decision_comment", "completed_at", "updated_at"])
    record_audit(
        action=f"billing:refund:{status}",
        target=refund,
        actor=actor,
        before=before,
        after={"status": status},
        reason=comment,
    )
    return refund


def enqueue_refund(refund: Refund) -> None:
    """Let the relay send an approved refund once this transaction is committed."""
    key = f"refund:{refund.pk}"
    outbox.enqueue(SEND_REFUND_TOPIC, {"refund_id": str(refund.pk)}, key=key)


def _paid_by(invoice: Invoice) -> QuerySet[Payment]:
    return Payment.objects.filter(invoice=invoice, status__in=REFUNDABLE).order_by("-id")


def _lock_payment(invoice: Invoice) -> Payment:
    """Lock the payment that settled the invoice: refunds of it are asked for one after the other."""
    payment = _paid_by(invoice).select_for_update(of=("self",), no_key=True).first()
    if payment is None or payment.refunded_minor >= payment.amount_minor:
        raise NothingToRefund
    return payment


def _checked_amount(payment: Payment, amount: Money | None) -> Money:
    left = Money(payment.amount_minor - payment.refunded_minor, payment.currency)
    wanted = left if amount is None else amount
    if wanted.currency != left.currency:
        text = _("The invoice was paid in %(currency)s.") % {"currency": left.currency}
        raise InvalidInput(text, field="amount")
    if wanted.amount_minor <= 0:
        raise InvalidInput(_("Ask for more than nothing."), field="amount")
    if left < wanted:
        text = _("At most %(left)s can be given back.") % {"left": format_money(left)}
        raise RefundTooHigh(text, field="amount")
    return wanted


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidInput(_("This is needed."), field="reason")
    if len(reason) > REFUND_REASON_MAX_LENGTH_CHARS:
        text = _("At most %(limit)s characters.") % {"limit": REFUND_REASON_MAX_LENGTH_CHARS}
        raise InvalidInput(text, field="reason")
    return reason


def _save_open(refund: Refund) -> None:
    """Save a refund that is under way; the database lets an invoice have one."""
    try:
        with transaction.atomic():
            refund.save()
    except IntegrityError:
        raise RefundUnderWay from None


def _submission(refund: Refund) -> Submission:
    # Approvers read the title, so it is not in the payer's language.
    with override("en"):
        title = _("Refund of %(amount)s for invoice %(number)s") % {
            "amount": format_money(refund.amount),
            "number": refund.invoice.number,
        }
    return Submission(
        subject_type=REFUND_SUBJECT,
        subject_id=refund.pk,
        organization=refund.invoice.organization,
        title=title,
        priority=Priority.URGENT,
        details={"refund": refund.public_id, "invoice": refund.invoice.public_id},
    )

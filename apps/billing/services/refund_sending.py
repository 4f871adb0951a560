"""Refunds at the payment provider: sent under our key, taken over from what the provider says, in any order.

The provider is called outside any transaction. If we die between its answer and our record, we find the refund there
before we ask again; and the same key would return the same refund anyway.
"""

from __future__ import annotations

import structlog
from django.db import transaction

from apps.billing.enums import OPEN_REFUNDS, PaymentStatus, RefundStatus
from apps.billing.events import RefundFailed, RefundSucceeded
from apps.billing.exceptions import PaymentProviderUnavailable
from apps.billing.gateways.base import (
    ProviderRefusedError,
    ProviderUnavailableError,
    RefundState,
)
from apps.billing.gateways.stripe import StripeGateway
from apps.billing.models import CreditNote, Payment, Refund
from apps.billing.services.credit_notes import issue_credit_note
from apps.billing.transitions import PAYMENT, REFUND
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.ids import InvalidPublicIdError, parse_public_id

logger = structlog.get_logger(__name__)

# The provider has nothing to say about these: nobody has approved them.
UNSENT: frozenset[str] = frozenset(
    {RefundStatus.REQUESTED, RefundStatus.REJECTED, RefundStatus.CANCELLED}
)


def send_refund(*, refund: Refund, actor: Actor) -> Refund:
    """Ask the provider for an approved refund; asking twice moves the money once.

    Raises:
        PaymentProviderUnavailable: unreachable; the refund stays approved and the outbox tries again.
    """
    if refund.status != RefundStatus.APPROVED:
        return refund
    try:
        state = _find_at_provider(refund) or StripeGateway().refund(
            payment_reference=refund.payment.provider_reference,
            amount=refund.amount,
            refund_id=refund.public_id,
            key=refund.key,
        )
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    except ProviderRefusedError as error:
        return record_refusal(refund=refund, error=error, actor=actor)
    return record_sent(refund=refund, state=state, actor=actor)


def sync_refund(*, reference: str, actor: Actor) -> Refund | None:
    """Take over a refund's state from the provider; what the webhook said is only the reason to ask.

    Returns None for a refund that is not ours.

    Raises:
        PaymentProviderUnavailable: the provider could not be reached; the outbox tries again.
    """
    try:
        state = StripeGateway().fetch_refund(reference)
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    return apply_refund_state(state=state, actor=actor)


def sync_refunds_of_payment(*, payment_reference: str, actor: Actor) -> int:
    """Take over the states of all refunds of a payment that has one under way; return how many are ours.

    Raises:
        PaymentProviderUnavailable: as in `sync_refund`.
    """
    is_awaited = Refund.objects.filter(
        payment__provider_reference=payment_reference, status__in=OPEN_REFUNDS
    ).exists()
    if not is_awaited:
        return 0
    try:
        states = StripeGateway().list_refunds(payment_reference)
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    return sum(apply_refund_state(state=state, actor=actor) is not None for state in states)


@transaction.atomic
def record_sent(*, refund: Refund, state: RefundState, actor: Actor) -> Refund:
    """Keep the provider's reference. Success itself is taken from the provider's webhook."""
    refund = Refund.objects.lock(refund.pk)
    if refund.status == RefundStatus.APPROVED:
        _note_reference(refund, state, actor)
    return refund


@transaction.atomic
def record_refusal(*, refund: Refund, error: ProviderRefusedError, actor: Actor) -> Refund:
    """Record that the provider made no refund, once. Publishes: RefundFailed."""
    refund = Refund.objects.lock(refund.pk)
    if refund.status == RefundStatus.APPROVED:
        _fail(refund, code=error.code, message=error.message, actor=actor)
    return refund


@transaction.atomic
def apply_refund_state(*, state: RefundState, actor: Actor) -> Refund | None:
    """Move our refund to the provider's state; the same state again, or an older one, changes nothing.

    Publishes: RefundSucceeded or RefundFailed, where that is new.
    """
    found = _find(state)
    if found is None:
        logger.warning("billing.unknown_refund", reference=state.reference)
        return None
    payment, refund = found
    if refund.status in UNSENT:
        logger.error("billing.refund_nobody_approved", reference=state.reference)
        return refund
    if _is_of_another_attempt(refund, state) or refund.status == RefundStatus.FAILED:
        return refund
    if refund.status == RefundStatus.APPROVED:
        _note_reference(refund, state, actor)
    if state.amount != refund.amount or state.payment_reference != payment.provider_reference:
        logger.error("billing.refund_differs", reference=state.reference)
        _fail(refund, code="amount_differs", message=str(state.amount), actor=actor)
    elif state.status == RefundStatus.FAILED:
        _fail(refund, code=state.failure_code, message="", actor=actor)
    elif state.status == RefundStatus.SUCCEEDED and refund.status != RefundStatus.SUCCEEDED:
        _succeed(refund, payment, actor)
    return refund


def _find_at_provider(refund: Refund) -> RefundState | None:
    """Return the refund that we asked for before and never noted, also under an earlier key."""
    for state in StripeGateway().list_refunds(refund.payment.provider_reference):
        if state.refund_id == refund.public_id and state.status != RefundStatus.FAILED:
            return state
    return None


def _find(state: RefundState) -> tuple[Payment, Refund] | None:
    """Find our refund by the id in the provider's metadata, and lock it after its payment."""
    try:
        pk = parse_public_id(Refund.id_prefix, state.refund_id)
    except InvalidPublicIdError:
        return None
    row = Refund.objects.filter(pk=pk).first()
    if row is None:
        return None
    payment = Payment.objects.lock(row.payment_id)
    return payment, Refund.objects.select_related("invoice__organization").lock(row.pk)


def _is_of_another_attempt(refund: Refund, state: RefundState) -> bool:
    """Whether the state tells of an attempt that failed before, and not of the one that is under way."""
    if refund.provider_reference:
        return refund.provider_reference != state.reference
    return state.status == RefundStatus.FAILED and state.key != refund.key


def _note_reference(refund: Refund, state: RefundState, actor: Actor) -> None:
    REFUND.require(RefundStatus(refund.status), RefundStatus.PROCESSING)
    refund.status, refund.provider_reference = RefundStatus.PROCESSING, state.reference
    refund.save(update_fields=["status", "provider_reference", "updated_at"])
    record_audit(
        action="billing:refund:processing",
        target=refund,
        actor=actor,
        after={"provider_reference": state.reference},
    )


def _succeed(refund: Refund, payment: Payment, actor: Actor) -> None:
    """Record that the money went back: the refund, the payment, and last the credit note with its number."""
    REFUND.require(RefundStatus(refund.status), RefundStatus.SUCCEEDED)
    refund.status, refund.completed_at = RefundStatus.SUCCEEDED, clock.now()
    refund.save(update_fields=["status", "completed_at", "updated_at"])
    record_audit(
        action="billing:refund:succeeded",
        target=refund,
        actor=actor,
        after={"amount": refund.amount, "provider_reference": refund.provider_reference},
    )
    publish(
        RefundSucceeded(
            refund_id=refund.pk,
            invoice_id=refund.invoice_id,
            organization_id=refund.organization_id,
        )
    )
    # Money that the bank had sent back and that now went out again has its credit note.
    if not CreditNote.objects.filter(refund=refund).exists():
        _count_refunded(refund, payment, actor)
        issue_credit_note(refund=refund)


def _count_refunded(refund: Refund, payment: Payment, actor: Actor) -> None:
    before = {"status": payment.status, "refunded": payment.refunded_minor}
    payment.refunded_minor += refund.amount_minor
    is_all = payment.refunded_minor == payment.amount_minor
    status = PaymentStatus.REFUNDED if is_all else PaymentStatus.PARTIALLY_REFUNDED
    # A payment that the card holder disputes stays disputed.
    if PAYMENT.allows(payment.status, status):
        payment.status = status
    payment.save(update_fields=["status", "refunded_minor", "updated_at"])
    record_audit(
        action=f"billing:payment:{status}",
        target=payment,
        actor=actor,
        before=before,
        after={"refunded": payment.refunded_minor},
    )


def _fail(refund: Refund, *, code: str, message: str, actor: Actor) -> None:
    REFUND.require(RefundStatus(refund.status), RefundStatus.FAILED)
    before = {"status": refund.status}
    refund.status, refund.completed_at = RefundStatus.FAILED, clock.now()
    refund.failure_code, refund.failure_message = code[:60], message
    refund.save()
    record_audit(
        action="billing:refund:failed",
        target=refund,
        actor=actor,
        before=before,
        after={"code": code},
    )
    publish(
        RefundFailed(
            refund_id=refund.pk,
            invoice_id=refund.invoice_id,
            organization_id=refund.organization_id,
            attempt=refund.attempt,
        )
    )

"""Payments: reserved here, asked of the provider under our id, recorded here.

The provider is called outside any transaction. If we die between its answer and our record, the same call under the same
idempotency key returns the same payment, and the provider's webhook tells us anyway.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from apps.billing.enums import InvoiceStatus, PaymentProvider, PaymentStatus
from apps.billing.events import PaymentFailed
from apps.billing.exceptions import (
    NoPaymentMethod,
    NothingToPay,
    PaymentProviderUnavailable,
    PaymentUnderWay,
)
from apps.billing.gateways.base import (
    PaymentState,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from apps.billing.gateways.stripe import StripeGateway
from apps.billing.models import Invoice, Payment, PaymentMethod
from apps.billing.services.accounts import ensure_customer, get_or_create_account
from apps.billing.services.invoices import mark_invoice_paid
from apps.billing.transitions import PAYMENT
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.ids import InvalidPublicIdError, parse_public_id

logger = structlog.get_logger(__name__)

ENDED: frozenset[str] = frozenset(
    {PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.CANCELLED}
)


def pay_invoice(*, invoice: Invoice, actor: Actor, method: PaymentMethod | None = None) -> Payment:
    """Charge an open invoice to a saved method (the default one unless named).

    Returns the payment as the provider answered: usually processing or failed; the webhook completes it.

    Raises:
        NothingToPay, PaymentUnderWay, NoPaymentMethod: 409.
        PaymentProviderUnavailable: the payment stays reserved and is asked for again.
    """
    payment = reserve_payment(invoice=invoice, actor=actor, method=method)
    return submit_payment(payment=payment, actor=actor)


@transaction.atomic
def reserve_payment(
    *, invoice: Invoice, actor: Actor, method: PaymentMethod | None = None
) -> Payment:
    """Record that the invoice is about to be charged; at most one payment is under way for it."""
    invoice = Invoice.objects.lock(invoice.pk)
    if invoice.status not in {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}:
        raise NothingToPay
    chosen = method or default_method(invoice.organization_id)
    if chosen is None:
        raise NoPaymentMethod
    try:
        with transaction.atomic():
            payment = Payment.objects.create(
                organization_id=invoice.organization_id,
                invoice=invoice,
                method=chosen,
                provider=PaymentProvider.STRIPE,
                amount_minor=invoice.amount_due.amount_minor,
                currency=invoice.currency,
            )
    except IntegrityError:
        raise PaymentUnderWay from None
    record_audit(
        action="billing:payment:reserved",
        target=payment,
        actor=actor,
        after={"invoice": invoice.public_id, "amount": payment.amount},
    )
    return payment


def default_method(organization_id: UUID) -> PaymentMethod | None:
    """Return the saved method that automatic payments use."""
    return PaymentMethod.objects.filter(
        organization_id=organization_id, is_default=True, detached_at__isnull=True
    ).first()


def submit_payment(*, payment: Payment, actor: Actor) -> Payment:
    """Ask the provider for a reserved payment; asking twice moves the money once.

    Raises:
        PaymentProviderUnavailable: unreachable; the payment stays reserved.
    """
    account = get_or_create_account(organization=payment.invoice.organization)
    method = payment.method
    if method is None:
        raise NoPaymentMethod
    customer_id = ensure_customer(account=account)
    try:
        state = StripeGateway().charge(
            customer_id=customer_id,
            method_reference=method.provider_reference,
            amount=payment.amount,
            payment_id=payment.public_id,
        )
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    except ProviderRefusedError as error:
        return record_failure(payment=payment, code=error.code, message=error.message, actor=actor)
    return record_submitted(payment=payment, state=state, actor=actor)


@transaction.atomic
def record_submitted(*, payment: Payment, state: PaymentState, actor: Actor) -> Payment:
    """Keep the provider's reference. Success itself is taken from the provider's webhook."""
    payment = Payment.objects.lock(payment.pk)
    if payment.status != PaymentStatus.PENDING:
        return payment
    PAYMENT.require(PaymentStatus(payment.status), PaymentStatus.PROCESSING)
    payment.status, payment.provider_reference = PaymentStatus.PROCESSING, state.reference
    payment.save(update_fields=["status", "provider_reference", "updated_at"])
    record_audit(
        action="billing:payment:submitted",
        target=payment,
        actor=actor,
        after={"provider_reference": state.reference},
    )
    return payment


@transaction.atomic
def record_failure(*, payment: Payment, code: str, message: str, actor: Actor) -> Payment:
    """Record a declined payment, once. Publishes: PaymentFailed."""
    payment = Payment.objects.lock(payment.pk)
    if payment.status in ENDED:
        return payment
    if payment.status == PaymentStatus.PENDING:
        payment.status = PaymentStatus.PROCESSING
    PAYMENT.require(PaymentStatus(payment.status), PaymentStatus.FAILED)
    payment.status, payment.completed_at = PaymentStatus.FAILED, clock.now()
    payment.failure_code, payment.failure_message = code[:60], message
    payment.save()
    record_audit(action="billing:payment:failed", target=payment, actor=actor, after={"code": code})
    publish(
        PaymentFailed(
            payment_id=payment.pk,
            invoice_id=payment.invoice_id,
            organization_id=payment.organization_id,
        )
    )
    return payment


def sync_stripe_payment(*, reference: str, actor: Actor) -> Payment | None:
    """Take over a payment's state from Stripe; what the webhook said is only the reason to ask.

    Returns None for a payment that is not ours.

    Raises:
        PaymentProviderUnavailable: Stripe could not be reached; the outbox tries again.
    """
    try:
        state = StripeGateway().fetch_payment(reference)
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    return apply_payment_state(state=state, actor=actor)


@transaction.atomic
def apply_payment_state(*, state: PaymentState, actor: Actor) -> Payment | None:
    """Move our payment to the provider's state; the same state again changes nothing."""
    payment = _find(state)
    if payment is None:
        logger.warning("billing.unknown_payment", reference=state.reference)
        return None
    if payment.status in ENDED or payment.status == state.status:
        return payment
    if state.amount != payment.amount:
        logger.error("billing.payment_amount_differs", reference=state.reference)
        return record_failure(
            payment=payment, code="amount_differs", message=str(state.amount), actor=actor
        )
    if payment.status == PaymentStatus.PENDING:
        payment = record_submitted(payment=payment, state=state, actor=actor)
    if state.status == PaymentStatus.FAILED:
        return record_failure(
            payment=payment, code=state.failure_code, message=state.failure_message, actor=actor
        )
    if state.status != payment.status:
        PAYMENT.require(PaymentStatus(payment.status), state.status)
        payment.status = state.status
        payment.completed_at = clock.now() if state.status in ENDED else None
        payment.save(update_fields=["status", "completed_at", "updated_at"])
        record_audit(action=f"billing:payment:{state.status}", target=payment, actor=actor)
    if state.status == PaymentStatus.SUCCEEDED:
        mark_invoice_paid(invoice=payment.invoice, actor=actor)
    return payment


def _find(state: PaymentState) -> Payment | None:
    """Find our payment by the id in the provider's metadata, and lock it."""
    try:
        pk = parse_public_id(Payment.id_prefix, state.payment_id)
    except InvalidPublicIdError:
        return None
    return Payment.objects.select_for_update(of=("self",)).filter(pk=pk).first()

"""Stripe, through its own SDK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import stripe
from django.conf import settings

from apps.billing.enums import PaymentStatus, RefundStatus
from apps.billing.gateways.base import (
    CardDetails,
    PaymentState,
    ProviderRefusedError,
    ProviderUnavailableError,
    RefundState,
)
from apps.core.db import forbid_transaction
from apps.core.money import Money

TIMEOUT_S: Final = 10
STATUS_OF: Final = {
    "requires_payment_method": PaymentStatus.FAILED,
    "requires_confirmation": PaymentStatus.PROCESSING,
    "requires_capture": PaymentStatus.PROCESSING,
    "processing": PaymentStatus.PROCESSING,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.CANCELLED,
}
REFUND_STATUS_OF: Final = {
    "pending": RefundStatus.PROCESSING,
    "requires_action": RefundStatus.PROCESSING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


@lru_cache(maxsize=1)
def _client() -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": settings.STRIPE_API_BASE},
        max_network_retries=2,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
    )


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Tell a provider that is away from one that refuses."""
    try:
        yield
    except stripe.CardError as error:
        code = error.error.decline_code if error.error else None
        raise ProviderRefusedError(
            str(code or error.code or "card_declined"), error.user_message or str(error)
        ) from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise ProviderUnavailableError(str(error)) from error
    except stripe.StripeError as error:
        raise ProviderRefusedError(error.code or "request_refused", str(error)) from error


class StripeGateway:
    """Customers, saved methods, off-session charges and refunds at Stripe."""

    def create_customer(self, *, name: str, email: str, organization_id: str) -> str:
        """Make a customer; the organization's id is the idempotency key and its metadata."""
        forbid_transaction()
        with _translated_errors():
            customer = _client().v1.customers.create(
                params={
                    "name": name,
                    "email": email,
                    "metadata": {"organization_id": organization_id},
                },
                options={"idempotency_key": f"customer-{organization_id}"},
            )
        return customer.id

    def attach_method(self, *, customer_id: str, method_reference: str) -> CardDetails:
        """Confirm a setup intent with the method, so that it can be charged off-session."""
        forbid_transaction()
        with _translated_errors():
            intent = _client().v1.setup_intents.create(
                params={
                    "customer": customer_id,
                    "payment_method": method_reference,
                    "confirm": True,
                    "usage": "off_session",
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                }
            )
            if intent.status != "succeeded":
                raise ProviderRefusedError(
                    "authentication_required", "The card needs its holder's confirmation."
                )
            method = _client().v1.payment_methods.retrieve(_id_of(intent.payment_method))
        return _card(method)

    def start_method_setup(self, *, customer_id: str, return_url: str, cancel_url: str) -> str:
        """Open a Checkout session in setup mode and return its address."""
        forbid_transaction()
        with _translated_errors():
            session = _client().v1.checkout.sessions.create(
                params={
                    "mode": "setup",
                    "customer": customer_id,
                    "success_url": return_url,
                    "cancel_url": cancel_url,
                    "payment_method_types": ["card"],
                }
            )
        return str(session.url)

    def finish_method_setup(self, *, customer_id: str, session_reference: str) -> CardDetails:
        """Read the method of a completed session in setup mode; another customer's is refused."""
        forbid_transaction()
        with _translated_errors():
            session = _client().v1.checkout.sessions.retrieve(
                session_reference, params={"expand": ["setup_intent.payment_method"]}
            )
        intent = session.setup_intent
        if session.customer is None or _id_of(session.customer) != customer_id:
            raise ProviderRefusedError("not_found", "No such session.")
        if not isinstance(intent, stripe.SetupIntent) or intent.status != "succeeded":
            raise ProviderRefusedError("setup_not_complete", "No card was saved on the page.")
        return self.fetch_method(_id_of(intent.payment_method))

    def fetch_method(self, reference: str) -> CardDetails:
        """Retrieve a payment method."""
        forbid_transaction()
        with _translated_errors():
            return _card(_client().v1.payment_methods.retrieve(reference))

    def detach_method(self, reference: str) -> None:
        """Detach a payment method from its customer; one that is detached already stays so."""
        forbid_transaction()
        with _translated_errors():
            method = _client().v1.payment_methods.retrieve(reference)
            if method.customer is not None:
                _client().v1.payment_methods.detach(reference)

    def charge(
        self, *, customer_id: str, method_reference: str, amount: Money, payment_id: str
    ) -> PaymentState:
        """Create and confirm a payment intent; our payment id is the idempotency key."""
        forbid_transaction()
        with _translated_errors():
            intent = _client().v1.payment_intents.create(
                params={
                    "amount": amount.amount_minor,
                    "currency": amount.currency.lower(),
                    "customer": customer_id,
                    "payment_method": method_reference,
                    "off_session": True,
                    "confirm": True,
                    "metadata": {"payment_id": payment_id},
                },
                options={"idempotency_key": payment_id},
            )
        return _state(intent)

    def fetch_payment(self, reference: str) -> PaymentState:
        """Retrieve a payment intent."""
        forbid_transaction()
        with _translated_errors():
            return _state(_client().v1.payment_intents.retrieve(reference))

    def refund(
        self, *, payment_reference: str, amount: Money, refund_id: str, key: str
    ) -> RefundState:
        """Create a refund of a payment intent; the key is the idempotency key."""
        forbid_transaction()
        with _translated_errors():
            refund = _client().v1.refunds.create(
                params={
                    "payment_intent": payment_reference,
                    "amount": amount.amount_minor,
                    "reason": "requested_by_customer",
                    "metadata": {"refund_id": refund_id, "refund_key": key},
                },
                options={"idempotency_key": key},
            )
        return _refund_state(refund)

    def fetch_refund(self, reference: str) -> RefundState:
        """Retrieve a refund."""
        forbid_transaction()
        with _translated_errors():
            return _refund_state(_client().v1.refunds.retrieve(reference))

    def list_refunds(self, payment_reference: str) -> list[RefundState]:
        """List the refunds of a payment intent, all pages."""
        forbid_transaction()
        with _translated_errors():
            page = _client().v1.refunds.list(
                params={"payment_intent": payment_reference, "limit": 100}
            )
            return [_refund_state(refund) for refund in page.auto_paging_iter()]


def _id_of(value: Any) -> str:
    return value if isinstance(value, str) else str(value.id)


def _card(method: stripe.PaymentMethod) -> CardDetails:
    card = method.card
    return CardDetails(
        reference=method.id,
        brand=card.brand if card else method.type,
        last_four=(card.last4 or "") if card else "",
        expires_month=card.exp_month if card else None,
        expires_year=card.exp_year if card else None,
    )


def _state(intent: stripe.PaymentIntent) -> PaymentState:
    failure = intent.last_payment_error
    status = STATUS_OF[intent.status]
    is_failed = status is PaymentStatus.FAILED
    metadata = intent.metadata.to_dict()
    return PaymentState(
        reference=intent.id,
        status=status,
        amount=Money(intent.amount, intent.currency.upper()),
        payment_id=str(metadata.get("payment_id", "")),
        failure_code=str(failure.decline_code or failure.code or "")
        if failure and is_failed
        else "",
        failure_message=str(failure.message or "") if failure and is_failed else "",
    )


def _refund_state(refund: stripe.Refund) -> RefundState:
    metadata = refund.metadata.to_dict() if refund.metadata else {}
    status = REFUND_STATUS_OF[refund.status or "pending"]
    is_failed = status is RefundStatus.FAILED
    return RefundState(
        reference=refund.id,
        payment_reference=_id_of(refund.payment_intent) if refund.payment_intent else "",
        status=status,
        amount=Money(refund.amount, refund.currency.upper()),
        refund_id=str(metadata.get("refund_id", "")),
        key=str(metadata.get("refund_key", "")),
        failure_code=str(refund.failure_reason or refund.status) if is_failed else "",
    )

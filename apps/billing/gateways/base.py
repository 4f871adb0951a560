"""What Tollgate needs of a payment provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apps.billing.enums import PaymentStatus, RefundStatus
from apps.core.money import Money


class ProviderUnavailableError(Exception):
    """The provider could not be reached or failed; trying again with the same key is safe."""


class ProviderRefusedError(Exception):
    """The provider understood the request and refused it; trying again changes nothing."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the provider's code and its message for the payer."""
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDetails:
    """What may be shown of a saved method."""

    reference: str
    brand: str
    last_four: str
    expires_month: int | None
    expires_year: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentState:
    """A payment as the provider knows it now."""

    reference: str
    status: PaymentStatus
    amount: Money
    payment_id: str
    failure_code: str = ""
    failure_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundState:
    """A refund as the provider knows it now; `refund_id` and `key` are what we sent with it."""

    reference: str
    payment_reference: str
    status: RefundStatus
    amount: Money
    refund_id: str
    key: str
    failure_code: str = ""


class PaymentGateway(Protocol):
    """A payment provider. Every call that moves money carries a key under which it happens once."""

    def create_customer(self, *, name: str, email: str, organization_id: str) -> str:
        """Make a customer and return the provider's id; once per organization."""

    def attach_method(self, *, customer_id: str, method_reference: str) -> CardDetails:
        """Save a method for later charges without the payer."""

    def start_method_setup(self, *, customer_id: str, return_url: str, cancel_url: str) -> str:
        """Return the address of a hosted page on which the payer enters a method.

        `{CHECKOUT_SESSION_ID}` in `return_url` is replaced by the id that `finish_method_setup` takes.
        """

    def finish_method_setup(self, *, customer_id: str, session_reference: str) -> CardDetails:
        """Return the method that this customer entered on the hosted page."""

    def fetch_method(self, reference: str) -> CardDetails:
        """Return what may be shown of a method."""

    def detach_method(self, reference: str) -> None:
        """Make a saved method unusable for good; again changes nothing."""

    def charge(
        self, *, customer_id: str, method_reference: str, amount: Money, payment_id: str
    ) -> PaymentState:
        """Charge a saved method without the payer, once per payment id."""

    def fetch_payment(self, reference: str) -> PaymentState:
        """Return a payment as the provider knows it now."""

    def refund(
        self, *, payment_reference: str, amount: Money, refund_id: str, key: str
    ) -> RefundState:
        """Give back a part of a payment, once per key."""

    def fetch_refund(self, reference: str) -> RefundState:
        """Return a refund as the provider knows it now."""

    def list_refunds(self, payment_reference: str) -> list[RefundState]:
        """Return every refund of a payment, newest first."""

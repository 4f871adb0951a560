"""What billing tells the portal and notifications."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingPeriodClosed(DomainEvent):
    """A period was closed and rated."""

    period_id: UUID
    subscription_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingPeriodRerated(DomainEvent):
    """A closed period was rated again, because usage came late or was recomputed; the difference may be nothing."""

    period_id: UUID
    subscription_id: UUID
    run_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceIssued(DomainEvent):
    """An invoice got its number; it never changes again."""

    invoice_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaid(DomainEvent):
    """An invoice was paid in full."""

    invoice_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(DomainEvent):
    """A payment was declined."""

    payment_id: UUID
    invoice_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSucceeded(DomainEvent):
    """Money went back to the payer; the credit note is issued."""

    refund_id: UUID
    invoice_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed(DomainEvent):
    """The provider did not give the money back, or the bank sent it back."""

    refund_id: UUID
    invoice_id: UUID
    organization_id: UUID
    attempt: int

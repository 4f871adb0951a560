"""What billing does when something happens below it, and what the relay carries out for it."""

from __future__ import annotations

from typing import Any

import structlog

from apps.billing.enums import InvoiceStatus, PaymentStatus, PeriodStatus
from apps.billing.events import (
    InvoiceIssued,
    InvoicePaid,
    PaymentFailed,
    RefundFailed,
    RefundSucceeded,
)
from apps.billing.models import BillingPeriod, Invoice, Payment, Refund
from apps.billing.services.accounts import detach_at_provider, sync_payment_method
from apps.billing.services.advance import issue_soon
from apps.billing.services.documents import store_pdf
from apps.billing.services.giving_back import give_back_fees
from apps.billing.services.notices import tell_failed, tell_issued, tell_paid
from apps.billing.services.payments import (
    default_method,
    pay_invoice,
    submit_payment,
    sync_stripe_payment,
)
from apps.billing.services.periods import finish_closing, move_period_end, open_first_period
from apps.billing.services.plan_changes import book_plan_change
from apps.billing.services.refund_notices import (
    tell_earnings_reversed,
    tell_refund_failed,
    tell_refunded,
)
from apps.billing.services.refund_sending import (
    send_refund,
    sync_refund,
    sync_refunds_of_payment,
)
from apps.billing.topics import (
    CHARGE_TOPIC,
    COLLECT_TOPIC,
    DETACH_TOPIC,
    METHOD_TOPIC,
    PDF_TOPIC,
    REFUND_TOPIC,
    SEND_REFUND_TOPIC,
    STRIPE_TOPIC,
)
from apps.core import outbox
from apps.core.actors import Actor
from apps.core.events import receives
from apps.core.relay import leader_loop
from apps.subscriptions.events import (
    FeesGivenBack,
    PlanChanged,
    SubscriptionActivated,
    SubscriptionMovedZone,
)
from apps.subscriptions.models import CancellationRequest, Subscription, SubscriptionChange
from apps.usage.events import LateUsageArrived, UsageRecalculated

logger = structlog.get_logger(__name__)


@receives(SubscriptionActivated, in_transaction=True)
def open_period_of_new_subscription(event: SubscriptionActivated) -> None:
    """A subscription that starts has a period from its first moment on."""
    subscription = Subscription.objects.select_related("price_version").get(
        pk=event.subscription_id
    )
    open_first_period(subscription=subscription, at=event.effective_at)
    issue_soon(organization_id=event.consumer_organization_id)


@receives(PlanChanged, in_transaction=True)
def follow_plan_change(event: PlanChanged) -> None:
    """The running period is cut, and its fees in advance settled, in the transaction of the change."""
    change = SubscriptionChange.objects.get(pk=event.change_id)
    book_plan_change(change=change, starts_period=event.starts_period)


@receives(FeesGivenBack, in_transaction=True)
def give_fees_back(event: FeesGivenBack) -> None:
    """Refunds and credit are on their way once the cancellation is committed."""
    rows = CancellationRequest.objects.select_related("subscription")
    cancellation = rows.get(pk=event.cancellation_id)
    give_back_fees(cancellation=cancellation, actor=Actor.system("cancellation"))


@receives(SubscriptionMovedZone, in_transaction=True)
def follow_time_zone(event: SubscriptionMovedZone) -> None:
    """The running period ends by the account's new zone."""
    move_period_end(
        subscription_id=event.subscription_id, number=event.number, end=event.period_end
    )


@outbox.handles(PDF_TOPIC)
def render_invoice(payload: dict[str, Any]) -> None:
    """Render the PDF of an issued or paid invoice."""
    store_pdf(invoice=Invoice.objects.select_related("organization").get(pk=payload["invoice_id"]))


@outbox.handles(COLLECT_TOPIC)
def collect_invoice(payload: dict[str, Any]) -> None:
    """Charge a new invoice to the saved method, if there is one; a second delivery resumes the first."""
    invoice = Invoice.objects.select_related("organization").get(pk=payload["invoice_id"])
    actor = Actor.system("automatic payment")
    reserved = Payment.objects.filter(invoice=invoice, status=PaymentStatus.PENDING).first()
    if reserved is not None:
        submit_payment(payment=reserved, actor=actor)
        return
    was_tried = Payment.objects.filter(invoice=invoice).exists()
    if was_tried or invoice.status != InvoiceStatus.OPEN:
        return
    if default_method(invoice.organization_id) is not None:
        pay_invoice(invoice=invoice, actor=actor)


@outbox.handles(STRIPE_TOPIC)
def sync_payment(payload: dict[str, Any]) -> None:
    """Ask Stripe for the payment that a webhook named."""
    sync_stripe_payment(reference=payload["reference"], actor=Actor.system("stripe webhook"))


@outbox.handles(SEND_REFUND_TOPIC)
def send_approved_refund(payload: dict[str, Any]) -> None:
    """Ask Stripe for an approved refund; a second delivery finds the first one's."""
    send_refund(refund=_refund(payload["refund_id"]), actor=Actor.system("refund"))


@outbox.handles(REFUND_TOPIC)
def sync_named_refund(payload: dict[str, Any]) -> None:
    """Ask Stripe for the refund that a webhook named."""
    sync_refund(reference=payload["reference"], actor=Actor.system("stripe webhook"))


@outbox.handles(CHARGE_TOPIC)
def sync_refunds_of_charge(payload: dict[str, Any]) -> None:
    """Ask Stripe for the refunds of a payment, where we wait for one."""
    sync_refunds_of_payment(
        payment_reference=payload["reference"], actor=Actor.system("stripe webhook")
    )


@outbox.handles(METHOD_TOPIC)
def store_method(payload: dict[str, Any]) -> None:
    """Save the method that a payer entered at Stripe."""
    sync_payment_method(
        customer_id=payload["customer_id"],
        method_reference=payload["method_reference"],
        actor=Actor.system("stripe webhook"),
    )


@outbox.handles(DETACH_TOPIC)
def detach_method(payload: dict[str, Any]) -> None:
    """Make a removed method unusable at Stripe."""
    detach_at_provider(method_reference=payload["method_reference"])


@receives(LateUsageArrived)
def note_late_usage(event: LateUsageArrived) -> None:
    """A closed period has become due for re-rating; a job rates it again, daily."""
    logger.warning(
        "billing.period_due_for_rerating",
        subscription_id=str(event.subscription_id),
        meter=event.meter,
        period_start=event.period_start.isoformat(),
        events=event.event_count,
        quantity=str(event.quantity),
    )


@receives(UsageRecalculated)
def note_recalculated_usage(event: UsageRecalculated) -> None:
    """Windows of closed periods differ from their events; the differences stay open until the periods are rated again."""
    if event.kept_count:
        logger.warning(
            "billing.period_due_for_rerating",
            subscription_id=str(event.subscription_id),
            rewind_id=str(event.rewind_id),
            windows=event.kept_count,
        )


@leader_loop(name="billing.finish_closing", interval_s=5.0)
def finish_closing_periods() -> bool:
    """Close the periods that wait for calls on their way, as soon as those have arrived."""
    if not BillingPeriod.objects.filter(status=PeriodStatus.CLOSING).exists():
        return False
    return finish_closing(actor=Actor.system("period closing"))["closed"] > 0


@receives(InvoiceIssued)
def tell_invoice_issued(event: InvoiceIssued) -> None:
    """Tell who reads the bills that there is a new one."""
    tell_issued(invoice=Invoice.objects.select_related("organization").get(pk=event.invoice_id))


@receives(InvoicePaid)
def tell_invoice_paid(event: InvoicePaid) -> None:
    """Tell who reads the bills that one is settled."""
    tell_paid(invoice=Invoice.objects.select_related("organization").get(pk=event.invoice_id))


@receives(PaymentFailed)
def tell_payment_failed(event: PaymentFailed) -> None:
    """Tell who reads the bills that a payment was declined."""
    tell_failed(
        payment=Payment.objects.select_related("invoice__organization").get(pk=event.payment_id)
    )


@receives(RefundSucceeded)
def tell_refund_succeeded(event: RefundSucceeded) -> None:
    """Tell the payer that the money is on its way, and the providers what it costs them."""
    refund = _refund(event.refund_id)
    tell_refunded(refund=refund)
    tell_earnings_reversed(refund=refund)


@receives(RefundFailed)
def tell_failed_refund(event: RefundFailed) -> None:
    """Tell the payer and finance that the money did not go back."""
    tell_refund_failed(refund=_refund(event.refund_id), attempt=event.attempt)


def _refund(pk: Any) -> Refund:
    rows = Refund.objects.select_related("invoice__organization", "payment", "credit_note")
    return rows.get(pk=pk)

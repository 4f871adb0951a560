"""What billing does when something happens below it, and what the relay carries out for it."""

from __future__ import annotations

from typing import Any

from apps.billing.enums import InvoiceStatus, PaymentStatus
from apps.billing.models import Invoice, Payment
from apps.billing.services.documents import store_pdf
from apps.billing.services.payments import (
    default_method,
    pay_invoice,
    submit_payment,
    sync_stripe_payment,
)
from apps.billing.services.periods import open_first_period
from apps.billing.topics import COLLECT_TOPIC, PDF_TOPIC, STRIPE_TOPIC
from apps.core import outbox
from apps.core.actors import Actor
from apps.core.events import receives
from apps.subscriptions.events import SubscriptionActivated
from apps.subscriptions.models import Subscription


@receives(SubscriptionActivated, in_transaction=True)
def open_period_of_new_subscription(event: SubscriptionActivated) -> None:
    """A subscription that starts has a period from its first moment on."""
    subscription = Subscription.objects.select_related("price_version").get(
        pk=event.subscription_id
    )
    open_first_period(subscription=subscription, at=event.effective_at)


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

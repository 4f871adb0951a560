"""What of billing waits for a person of the operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.billing.enums import InvoiceStatus, PaymentStatus, PeriodStatus, RefundStatus
from apps.billing.models import BillingPeriod, Invoice, Payment, Refund
from apps.billing.rerating_selectors import periods_due_for_rerating
from apps.core import clock
from apps.core.attention import AttentionItem, attention

# Calls usually arrive within seconds; a period that waits longer has a shipper or a batch behind it that is stuck.
PATIENCE: Final = timedelta(minutes=15)


@attention(roles=("finance", "operator"))
def waiting_billing() -> Iterator[AttentionItem]:
    """Invoices past due, periods that cannot close, payments and refunds that need somebody."""
    now = clock.now()
    invoices, periods = _list("invoice"), _list("billingperiod")
    yield AttentionItem(
        label=_("Invoices past due"),
        count=Invoice.objects.filter(
            status=InvoiceStatus.OPEN, due_at__lt=now, is_sandbox=False
        ).count(),
        url=f"{invoices}?status__exact={InvoiceStatus.OPEN}&is_sandbox__exact=0",
        tone="bad",
    )
    yield AttentionItem(
        label=_("Billing periods that wait for calls"),
        count=BillingPeriod.objects.filter(
            status=PeriodStatus.CLOSING, closing_since__lt=now - PATIENCE
        ).count(),
        url=f"{periods}?status__exact={PeriodStatus.CLOSING}",
        note=_("A shipper or a usage batch is behind."),
    )
    yield AttentionItem(
        label=_("Closed periods that usage came late for"),
        count=periods_due_for_rerating().count(),
        url=f"{periods}?late_usage=open",
        tone="info",
        note=_("They are rated again once a day; the difference goes on the next invoice."),
    )
    yield AttentionItem(
        label=_("Payments that the card holder must confirm"),
        count=Payment.objects.filter(status=PaymentStatus.REQUIRES_ACTION).count(),
        url=f"{_list('payment')}?status__exact={PaymentStatus.REQUIRES_ACTION}",
        tone="info",
    )
    yield AttentionItem(
        label=_("Refunds that could not be paid"),
        count=Refund.objects.filter(status=RefundStatus.FAILED).count(),
        url=f"{_list('refund')}?status__exact={RefundStatus.FAILED}",
        tone="bad",
    )


def _list(model: str) -> str:
    return reverse(f"admin:billing_{model}_changelist")

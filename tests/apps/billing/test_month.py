"""A month of one subscription: from its windows to a paid invoice and the provider's earnings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from pypdf import PdfReader

from apps.accounts.models import Organization
from apps.billing.enums import InvoiceStatus, PaymentStatus, PeriodStatus
from apps.billing.exceptions import NoPaymentMethod, NothingToPay, PaymentMethodRefused
from apps.billing.models import (
    BillingPeriod,
    Earning,
    Invoice,
    InvoiceLine,
    Payment,
    PaymentMethod,
    RatingRun,
)
from apps.billing.services.accounts import add_payment_method
from apps.billing.services.payments import pay_invoice
from apps.billing.services.periods import close_due_periods, open_first_period
from apps.core import clock
from apps.core.actors import Actor
from apps.core.models import AuditEvent, OutboxMessage
from apps.core.relay import drain_until_empty
from apps.pricing.calculator import Step, recompute
from apps.subscriptions.models import Subscription
from apps.usage.models import ShipperState
from tests.deploy.conftest import StripeSystem
from tests.factories.accounts import OrganizationFactory
from tests.factories.direct import add_graduated_price, add_window, make_subscription_row

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = Actor.system("test")


@pytest.fixture
def subscription() -> Subscription:
    """Started on 1 January, in a sandbox; 5 000 calls in January, 7 in February."""
    consumer = OrganizationFactory(is_sandbox=True)
    subscription = make_subscription_row(consumer=consumer, anchor=START, started_at=START)
    add_graduated_price(subscription)
    add_window(subscription, at=START + timedelta(days=3), calls=4_999)
    add_window(subscription, at=START + timedelta(days=30, hours=23), calls=1)
    add_window(subscription, at=START + timedelta(days=31), calls=7)
    open_first_period(subscription=subscription, at=START)
    return subscription


def test_month_becomes_one_numbered_invoice_with_explained_lines(
    subscription: Subscription,
) -> None:
    counts = close_due_periods(actor=ACTOR)

    january = BillingPeriod.objects.get(number=0)
    assert january.status == PeriodStatus.CLOSED
    assert counts["closed"] >= 1
    invoice = Invoice.objects.order_by("billing_day").first()
    assert invoice is not None
    assert (invoice.number, invoice.status) == ("TEST-000001", InvoiceStatus.OPEN)
    assert (invoice.total_minor, invoice.currency) == (5000, "USD")
    base, calls = invoice.lines.all()
    assert (base.amount_minor, calls.amount_minor) == (1000, 4000)
    assert calls.quantity == 5000
    steps = [Step.from_json(step) for step in calls.charge.calculation["steps"]]
    assert recompute(steps) == Decimal("40.00")
    assert RatingRun.objects.get(period=january).window_revisions.keys() == {
        str(pk)
        for pk in subscription.windows.filter(window_start__lt=january.period_end).values_list(
            "pk", flat=True
        )
    }


def test_every_elapsed_month_is_closed_and_one_period_stays_open(
    subscription: Subscription,
) -> None:
    for _pass in range(15):
        close_due_periods(actor=ACTOR)

    periods = list(BillingPeriod.objects.order_by("number"))
    assert [period.number for period in periods] == list(range(len(periods)))
    assert [period.status for period in periods[:-1]] == ["closed"] * (len(periods) - 1)
    assert periods[-1].status == PeriodStatus.OPEN
    for earlier, later in pairwise(periods):
        assert earlier.period_end == later.period_start
    numbers = Invoice.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == [f"TEST-{n:06d}" for n in range(1, len(periods))]


def test_closing_twice_bills_once(subscription: Subscription) -> None:
    close_due_periods(actor=ACTOR)
    first = list(
        InvoiceLine.objects.filter(period__number=0).values_list("amount_minor", flat=True)
    )

    close_due_periods(actor=ACTOR)

    again = InvoiceLine.objects.filter(period__number=0).values_list("amount_minor", flat=True)
    assert list(again) == first == [1000, 4000]


def test_period_waits_for_a_shipper_that_is_behind(subscription: Subscription) -> None:
    ShipperState.objects.create(node="1", oldest_unshipped_at=START, reported_at=START)

    counts = close_due_periods(actor=ACTOR)

    assert counts["waiting"] == 1
    assert BillingPeriod.objects.get(number=0).status == PeriodStatus.CLOSING
    assert BillingPeriod.objects.get(number=1).status == PeriodStatus.OPEN
    assert not Invoice.objects.exists()


def test_invoice_is_paid_by_webhook_and_the_provider_earns(
    subscription: Subscription,
    payments: StripeSystem,
    deliver_webhooks: Callable[[], list[int]],
) -> None:
    consumer: Organization = subscription.consumer_organization
    add_payment_method(organization=consumer, method_reference="pm_card_visa", actor=ACTOR)

    close_due_periods(actor=ACTOR)
    drain_until_empty()

    payment = Payment.objects.get()
    assert payment.status == PaymentStatus.PROCESSING
    assert payment.provider_reference.startswith("pi_")
    assert set(deliver_webhooks()) == {200}
    drain_until_empty()
    payment.refresh_from_db()
    invoice = payment.invoice
    assert payment.status == PaymentStatus.SUCCEEDED
    assert (invoice.status, invoice.paid_minor) == (InvoiceStatus.PAID, 5000)
    earned = [(item.gross_minor, item.fee_minor, item.net_minor) for item in Earning.objects.all()]
    assert sorted(earned) == [(1000, 200, 800), (4000, 800, 3200)]
    with invoice.pdf.open() as file:
        text = PdfReader(file).pages[0].extract_text()
    assert "TEST-000001" in text
    assert "50.00" in text

    before = AuditEvent.objects.count()
    assert set(deliver_webhooks()) == {200}
    drain_until_empty()
    assert AuditEvent.objects.count() == before
    assert Earning.objects.count() == 2
    assert len(payments.v1.payment_intents.list().data) == 1


def test_declined_card_leaves_the_invoice_open_and_says_why(
    subscription: Subscription,
    payments: StripeSystem,
    deliver_webhooks: Callable[[], list[int]],
) -> None:
    consumer: Organization = subscription.consumer_organization
    add_payment_method(
        organization=consumer, method_reference="pm_card_chargeCustomerFail", actor=ACTOR
    )
    close_due_periods(actor=ACTOR)

    drain_until_empty()
    deliver_webhooks()
    drain_until_empty()

    payment = Payment.objects.get()
    assert payment.status == PaymentStatus.FAILED
    assert payment.failure_code
    assert payment.invoice.status == InvoiceStatus.OPEN
    assert not Earning.objects.exists()

    add_payment_method(organization=consumer, method_reference="pm_card_visa", actor=ACTOR)
    pay_invoice(invoice=payment.invoice, actor=ACTOR)
    deliver_webhooks()
    drain_until_empty()
    assert Invoice.objects.get(pk=payment.invoice_id).status == InvoiceStatus.PAID


@pytest.mark.parametrize("when", ["before", "after"])
def test_provider_that_is_away_is_asked_again_and_charges_once(
    subscription: Subscription, payments: StripeSystem, when: str
) -> None:
    consumer: Organization = subscription.consumer_organization
    add_payment_method(organization=consumer, method_reference="pm_card_visa", actor=ACTOR)
    close_due_periods(actor=ACTOR)
    payments.post("faults", path="/v1/payment_intents", kind="drop", when=when, count=3)

    drain_until_empty()
    assert Payment.objects.get().status == PaymentStatus.PENDING
    make_messages_due()
    drain_until_empty()

    assert Payment.objects.get().status == PaymentStatus.PROCESSING
    assert len(payments.v1.payment_intents.list().data) == 1


def make_messages_due() -> None:
    OutboxMessage.objects.update(available_at=clock.now())


def test_payment_without_a_method_is_refused(subscription: Subscription) -> None:
    close_due_periods(actor=ACTOR)
    invoice = Invoice.objects.get()

    with pytest.raises(NoPaymentMethod):
        pay_invoice(invoice=invoice, actor=ACTOR)

    assert not Payment.objects.exists()


def test_draft_cannot_be_paid(subscription: Subscription) -> None:
    invoice = Invoice.objects.create(
        organization=subscription.consumer_organization, currency="USD", billing_day=START.date()
    )

    with pytest.raises(NothingToPay):
        pay_invoice(invoice=invoice, actor=ACTOR)


def test_refused_card_is_not_saved(subscription: Subscription, payments: Any) -> None:
    with pytest.raises(PaymentMethodRefused) as refusal:
        add_payment_method(
            organization=subscription.consumer_organization,
            method_reference="pm_card_chargeDeclined",
            actor=ACTOR,
        )

    assert refusal.value.extra["provider_code"]
    assert not PaymentMethod.objects.exists()

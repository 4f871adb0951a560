"""The back office's pages of billing and usage: who opens them, what their actions do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.billing.enums import PaymentStatus, PeriodStatus
from apps.billing.models import BillingPeriod, Invoice, Payment
from apps.billing.services.payments import record_failure, reserve_payment
from apps.core import clock
from apps.core.actors import Actor
from apps.core.attention import attention_items
from apps.core.dead_letters import retry_dead_letter
from apps.core.models import DeadLetter, JobRun
from apps.usage.enums import BatchStatus
from apps.usage.models import UsageBatch, UsageEvent
from apps.usage.processing import process_next_batch
from tests.clients import client_for
from tests.factories.accounts import OrganizationFactory, actor_of, make_staff
from tests.factories.billing import (
    SYSTEM,
    make_calls,
    make_invoice,
    make_method,
    make_paid_invoice,
)
from tests.factories.direct import make_subscription_row

pytestmark = pytest.mark.django_db

LISTS = [
    "billing_invoice",
    "billing_payment",
    "billing_billingperiod",
    "billing_ratingrun",
    "billing_ratedcharge",
    "billing_earning",
    "billing_paymentmethod",
    "billing_billingaccount",
    "usage_usagebatch",
    "usage_usagewindow",
    "usage_lateevent",
    "usage_windowdifference",
    "usage_quotastate",
    "usage_shipperstate",
    "usage_meter",
]


@pytest.fixture
def finance() -> User:
    return make_staff("finance")


@pytest.fixture
def browser(finance: User, settings: Any) -> Client:
    settings.REQUIRE_STAFF_MFA = False
    return client_for(finance)


def run_action(browser: Client, model: str, action: str, *keys: Any) -> Any:
    data = {"action": action, "_selected_action": [str(key) for key in keys]}
    return browser.post(reverse(f"admin:{model}_changelist"), data, follow=True)


@pytest.mark.parametrize("model", LISTS)
def test_list_opens(browser: Client, model: str) -> None:
    make_paid_invoice(consumer=OrganizationFactory())
    assert browser.get(reverse(f"admin:{model}_changelist")).status_code == 200


@pytest.mark.parametrize(
    "model", ["billing_invoice", "billing_billingperiod", "billing_ratedcharge"]
)
def test_row_is_shown_and_cannot_be_changed(browser: Client, model: str) -> None:
    invoice = make_invoice()
    line = invoice.lines.get(kind="usage")
    key = {
        "billing_invoice": invoice.pk,
        "billing_billingperiod": line.period_id,
        "billing_ratedcharge": line.charge_id,
    }[model]
    path = reverse(f"admin:{model}_change", args=[key])

    assert browser.get(path).status_code == 200
    browser.post(path, {"number": "INV-9", "status": "paid", "total_minor": "1"})

    invoice.refresh_from_db()
    assert (invoice.number, invoice.total_minor) == ("INV-000001", 5000)


def test_batch_is_shown_without_its_body(browser: Client) -> None:
    make_calls(make_subscription_row(), clock.now(), path="/v1/only-in-the-body")
    batch = UsageBatch.objects.get()

    text = browser.get(reverse("admin:usage_usagebatch_change", args=[batch.pk])).content.decode()

    assert "only-in-the-body" not in text


def test_declined_payment_is_tried_again(browser: Client) -> None:
    invoice = make_invoice()
    make_method(invoice.organization, is_default=True)
    payment = reserve_payment(invoice=invoice, actor=SYSTEM)
    record_failure(payment=payment, code="card_declined", message="", actor=SYSTEM)

    answer = run_action(browser, "billing_payment", "retry", payment.pk)

    # Nobody listens at the test's payment provider: the new payment stays reserved and says why.
    assert "cannot be reached" in answer.content.decode()
    assert list(Payment.objects.order_by("id").values_list("status", flat=True)) == [
        PaymentStatus.FAILED,
        PaymentStatus.PENDING,
    ]


def test_closing_is_started(browser: Client) -> None:
    make_invoice()
    period = BillingPeriod.objects.first()
    assert period is not None

    run_action(browser, "billing_billingperiod", "close_due", period.pk)

    assert JobRun.objects.filter(name="billing.close_due_periods").count() == 1


def test_operator_sees_money_but_does_not_move_it(settings: Any) -> None:
    settings.REQUIRE_STAFF_MFA = False
    invoice = make_invoice()
    make_method(invoice.organization, is_default=True)
    browser = client_for(make_staff("operator"))

    assert browser.get(reverse("admin:billing_invoice_changelist")).status_code == 200
    run_action(browser, "billing_invoice", "collect", invoice.pk)

    assert not Payment.objects.exists()


def test_what_waits_is_told() -> None:
    invoice = make_invoice()
    Invoice.objects.filter(pk=invoice.pk).update(due_at=clock.now() - timedelta(days=1))
    BillingPeriod.objects.filter(number=1).update(
        status=PeriodStatus.CLOSING, closing_since=clock.now() - timedelta(hours=1)
    )
    make_calls(make_subscription_row(), clock.now())
    UsageBatch.objects.update(status=BatchStatus.FAILED)

    found = {str(item.label): item.count for item in attention_items(Actor.system("test"))}

    assert found["Invoices past due"] == 1
    assert found["Billing periods that wait for calls"] == 1
    assert found["Usage batches that failed"] == 1


class TestDeadLetters:
    """Usage that was set aside gets another chance."""

    def test_event_is_counted_once_its_subscription_is_known(self) -> None:
        subscription = make_subscription_row()
        make_calls(subscription, clock.now(), subscription_id="sub_wrong")
        letter = DeadLetter.objects.get(source="usage.event")
        letter.payload["raw"] = letter.payload["raw"].replace("sub_wrong", subscription.public_id)
        letter.save()

        retry_dead_letter(letter=letter, actor=actor_of(make_staff("operator")), reason="mended")
        process_next_batch()

        assert UsageEvent.objects.get().subscription_id == subscription.pk

    def test_failed_batch_waits_again(self) -> None:
        make_calls(make_subscription_row(), clock.now())
        batch = UsageBatch.objects.get()
        UsageBatch.objects.update(status=BatchStatus.FAILED, attempts=8)
        letter = DeadLetter.objects.create(
            source="usage.batch", reference=batch.public_id, payload={}, reason="broken"
        )

        retry_dead_letter(letter=letter, actor=actor_of(make_staff("operator")), reason="mended")

        batch.refresh_from_db()
        assert (batch.status, batch.attempts) == (BatchStatus.PENDING, 0)
        assert process_next_batch()
        assert UsageEvent.objects.count() == 1

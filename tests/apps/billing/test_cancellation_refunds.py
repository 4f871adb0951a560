"""Cancelling at once gives back fees paid in advance, by the plan's policy: as money, or as credit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from apps.billing.enums import PaymentProvider, PaymentStatus, RefundStatus
from apps.billing.models import CarriedCredit, CreditNote, Invoice, InvoiceLine, Payment, Refund
from apps.billing.services.credit_notes import issue_credit_note
from apps.billing.services.invoices import finalize_due_drafts, mark_invoice_paid
from apps.billing.topics import SEND_REFUND_TOPIC
from apps.core import clock
from apps.core.actors import Actor
from apps.core.models import OutboxMessage
from apps.pricing.enums import RefundPolicy
from apps.pricing.models import Plan
from apps.subscriptions.cancellation_quotes import quote_cancellation
from apps.subscriptions.enums import CancellationOutcome, ChangeTiming
from apps.subscriptions.models import CancellationRequest, PlannedChange, Subscription
from apps.subscriptions.services import (
    ChangeWish,
    cancel_at_period_end,
    cancel_subscription,
    change_plan,
    withdraw_cancellation,
)
from tests.factories.plan_changes import (
    APRIL,
    make_lowered,
    make_offer,
    make_paying,
    set_clock,
)

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("test")


def settle_everything() -> None:
    """Issue every draft and let each invoice be paid by card."""
    finalize_due_drafts(actor=ACTOR)
    for invoice in Invoice.objects.filter(status="open"):
        mark_invoice_paid(invoice=invoice, actor=ACTOR)
        Payment.objects.create(
            organization=invoice.organization,
            invoice=invoice,
            provider=PaymentProvider.STRIPE,
            provider_reference=f"pi_{invoice.number}",
            status=PaymentStatus.SUCCEEDED,
            amount_minor=invoice.total_minor,
            currency=invoice.currency,
            completed_at=clock.now(),
        )


def cancel_on(subscription: Subscription, day: int) -> CancellationRequest:
    """Cancel at noon of a day of April."""
    noon = APRIL.replace(day=day, hour=12)
    set_clock(subscription.consumer_organization, noon)
    subscription = Subscription.objects.get(pk=subscription.pk)
    quote = quote_cancellation(subscription, at=noon)
    cancel_subscription(subscription=subscription, actor=ACTOR, reason="Too dear", feedback="Hm")
    request = CancellationRequest.objects.get(subscription=subscription)
    assert request.refund_minor == quote.total.amount_minor
    return request


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(RefundPolicy.PRORATED, 6_667), (RefundPolicy.NONE, 0), (RefundPolicy.FULL, 10_000)],
)
def test_refund_is_what_the_policy_says(policy: RefundPolicy, expected: int) -> None:
    subscription = make_paying("100")
    Plan.objects.filter(pk=subscription.plan_id).update(refund_policy=policy)
    settle_everything()

    # 10 days are used, the day of the cancellation among them.
    request = cancel_on(subscription, 10)

    assert (request.refund_minor, request.outcome) == (expected, CancellationOutcome.ENDED)
    assert (request.reason, request.feedback) == ("Too dear", "Hm")
    refunds = [(row.amount_minor, row.status) for row in Refund.objects.all()]
    assert refunds == ([(expected, RefundStatus.APPROVED)] if expected else [])
    sent = OutboxMessage.objects.filter(topic=SEND_REFUND_TOPIC)
    assert sent.count() == len(refunds)


def test_credit_note_of_the_refund_names_the_fee_alone() -> None:
    subscription = make_paying("100")
    other = make_paying("40", consumer=subscription.consumer_organization)
    settle_everything()
    assert Invoice.objects.get().total_minor == 14_000

    cancel_on(subscription, 10)

    refund = Refund.objects.get()
    assert len(refund.shares or {}) == 1
    issue_credit_note_of(refund)
    line = CreditNote.objects.get().lines.get()
    assert line.amount_minor == 6_667
    assert line.line.period.subscription == subscription != other


def issue_credit_note_of(refund: Refund) -> None:
    """Do what the success of a refund does."""
    with transaction.atomic():
        issue_credit_note(refund=refund)


def test_fee_that_is_not_paid_yet_becomes_credit() -> None:
    subscription = make_paying("100")
    finalize_due_drafts(actor=ACTOR)

    cancel_on(subscription, 10)
    finalize_due_drafts(actor=ACTOR)

    assert not Refund.objects.exists()
    credit = CarriedCredit.objects.get()
    assert (credit.amount_minor, credit.used_line) == (6_667, None)
    totals = Invoice.objects.order_by("billing_day").values_list("total_minor", flat=True)
    assert list(totals) == [10_000, 0]


def test_after_an_upgrade_the_newer_payment_is_given_back_first() -> None:
    subscription = make_paying("100")
    pro = make_offer(subscription, "150")
    settle_everything()
    set_clock(subscription.consumer_organization, APRIL.replace(day=11, hour=12))
    change_plan(
        subscription=Subscription.objects.get(pk=subscription.pk),
        wish=ChangeWish(plan=pro, timing=ChangeTiming.NOW),
        actor=ACTOR,
    )
    settle_everything()

    request = cancel_on(subscription, 15)

    assert request.refund_minor == 7_500
    amounts = Refund.objects.order_by("id").values_list("amount_minor", flat=True)
    assert list(amounts) == [3_333, 4_167]


def test_scheduled_cancellation_is_kept_and_taken_back_and_ends_planned_changes() -> None:
    subscription = make_paying("100")
    small = make_offer(subscription, "50", name="Small")
    change_plan(subscription=subscription, wish=ChangeWish(plan=small), actor=ACTOR)

    cancelled = cancel_at_period_end(
        subscription=subscription, actor=ACTOR, reason="", feedback="No"
    )

    assert PlannedChange.objects.get().status == "dropped"
    row = CancellationRequest.objects.get()
    assert (row.outcome, row.refund_minor) == (CancellationOutcome.SCHEDULED, 0)
    withdraw_cancellation(subscription=cancelled, actor=ACTOR)
    row.refresh_from_db()
    assert row.outcome == CancellationOutcome.WITHDRAWN


def test_trial_gets_nothing_back() -> None:
    fields: dict[str, Any] = {"status": "trialing", "trial_ends_at": APRIL + timedelta(days=14)}
    subscription = make_paying("100", **fields)

    assert cancel_on(subscription, 5).refund_minor == 0
    assert not InvoiceLine.objects.exists()


def test_a_discounted_fee_comes_back_as_it_was_paid() -> None:
    subscription = make_paying("100")
    other = make_lowered(consumer=subscription.consumer_organization, is_operators=True)
    settle_everything()
    assert Invoice.objects.get().total_minor == 18_000

    request = cancel_on(other, 10)

    assert request.refund_minor == 5_334
    refund = Refund.objects.get()
    assert refund.amount_minor == 5_334
    issue_credit_note_of(refund)
    shares = CreditNote.objects.get().lines.order_by("position")
    assert [line.amount_minor for line in shares] == [6_668, -1_334]


def test_the_operators_part_of_an_unpaid_fee_comes_back_to_it() -> None:
    subscription = make_lowered(is_operators=True)
    finalize_due_drafts(actor=ACTOR)

    assert cancel_on(subscription, 10).refund_minor == 5_334

    lines = InvoiceLine.objects.filter(kind="credit").order_by("position")
    owners = [
        (row.amount_minor, row.provider_organization == subscription.provider_organization)
        for row in lines
    ]
    assert owners == [(-6_667, True), (1_333, False)]

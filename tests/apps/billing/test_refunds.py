"""Refunds from the question to the card, against a listening Stripe: in any order, once, and healed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import approve_request, expire_request, reject_request
from apps.billing.enums import RefundStatus
from apps.billing.exceptions import (
    NothingToRefund,
    PaymentProviderUnavailable,
    RefundTooHigh,
    RefundUnderWay,
)
from apps.billing.gateways.stripe import StripeGateway
from apps.billing.models import CreditNote, Earning, Invoice, Payment, Refund
from apps.billing.services.accounts import add_payment_method
from apps.billing.services.payments import pay_invoice, sync_stripe_payment
from apps.billing.services.refund_sending import send_refund, sync_refund
from apps.billing.services.refunds import request_refund, retry_refund, withdraw_refund
from apps.billing.tasks import reconcile_refunds
from apps.billing.webhook_endpoint import register_webhook_endpoint
from apps.core.exceptions import InvalidInput, InvalidTransition
from apps.core.models import AuditEvent, OutboxMessage
from apps.core.money import Money
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification
from tests.apps.billing.conftest import signed_post
from tests.deploy.conftest import StripeSystem
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.billing import SYSTEM, make_invoice, make_paid_invoice, make_settled_invoice

pytestmark = pytest.mark.django_db

Deliver = Callable[[], list[int]]


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


def paid_by_card(owner: Membership, token: str = "pm_card_visa") -> Invoice:
    """Make an invoice of 50.00 and pay it at Stripe."""
    invoice = make_invoice(consumer=owner.organization)
    add_payment_method(organization=owner.organization, method_reference=token, actor=SYSTEM)
    payment = pay_invoice(invoice=invoice, actor=SYSTEM)
    sync_stripe_payment(reference=payment.provider_reference, actor=SYSTEM)
    invoice.refresh_from_db()
    return invoice


def ask(invoice: Invoice, owner: Membership, minor: int | None = None) -> Refund:
    amount = None if minor is None else Money(minor, invoice.currency)
    return request_refund(
        invoice=invoice, amount=amount, reason="The API was down.", actor=actor_of(owner)
    )


def approve(refund: Refund) -> Refund:
    request = ApprovalRequest.objects.get(subject_id=refund.pk)
    approve_request(request=request, actor=actor_of(make_staff("approver")), comment="Agreed.")
    refund.refresh_from_db()
    return refund


def stripe_refunds(payments: StripeSystem) -> list[Any]:
    return list(payments.v1.refunds.list({"limit": 100}).data)


class TestAsking:
    """Who may ask for what."""

    def test_question_waits_for_approvers_with_urgency(self, owner: Membership) -> None:
        invoice = make_settled_invoice(consumer=owner.organization)

        refund = ask(invoice, owner, 1250)

        request = ApprovalRequest.objects.get()
        assert (refund.status, refund.amount) == (RefundStatus.REQUESTED, Money(1250, "USD"))
        assert (request.subject_type, request.priority) == ("billing.refund", "urgent")
        assert (request.due_at - request.created_at).total_seconds() == 8 * 3600
        assert request.title == "Refund of $12.50 for invoice INV-000001"

    @pytest.mark.parametrize(
        ("minor", "currency", "error"),
        [
            (5001, "USD", RefundTooHigh),
            (0, "USD", InvalidInput),
            (-1, "USD", InvalidInput),
            (100, "EUR", InvalidInput),
        ],
    )
    def test_amount_that_cannot_be_given_back_is_refused(
        self, owner: Membership, minor: int, currency: str, error: type[Exception]
    ) -> None:
        invoice = make_settled_invoice(consumer=owner.organization)
        with pytest.raises(error) as refusal:
            request_refund(invoice=invoice, amount=Money(minor, currency), reason="x", actor=SYSTEM)
        assert getattr(refusal.value, "field") == "amount"  # noqa: B009 -- of either class
        assert not Refund.objects.exists()
        assert not ApprovalRequest.objects.exists()

    def test_reason_is_needed(self, owner: Membership) -> None:
        invoice = make_settled_invoice(consumer=owner.organization)
        for reason in (" ", "x" * 1001):
            with pytest.raises(InvalidInput) as refusal:
                request_refund(invoice=invoice, reason=reason, actor=SYSTEM)
            assert refusal.value.field == "reason"

    def test_second_question_waits_for_the_first(self, owner: Membership) -> None:
        invoice = make_settled_invoice(consumer=owner.organization)
        ask(invoice, owner, 100)
        with pytest.raises(RefundUnderWay):
            ask(invoice, owner, 100)

    def test_invoice_without_a_card_payment_has_nothing_to_give_back(
        self, owner: Membership
    ) -> None:
        for invoice in (
            make_invoice(consumer=owner.organization),
            make_paid_invoice(consumer=OrganizationFactory()),
        ):
            with pytest.raises(NothingToRefund):
                ask(invoice, owner)

    def test_withdrawn_question_can_be_asked_again(self, owner: Membership) -> None:
        invoice = make_settled_invoice(consumer=owner.organization)
        refund = withdraw_refund(refund=ask(invoice, owner), actor=actor_of(owner))

        assert refund.status == RefundStatus.CANCELLED
        assert ApprovalRequest.objects.get().status == "cancelled"
        with pytest.raises(InvalidTransition):
            withdraw_refund(refund=refund, actor=actor_of(owner))
        assert ask(invoice, owner).status == RefundStatus.REQUESTED

    def test_question_that_nobody_decided_ends(self, owner: Membership) -> None:
        refund = ask(make_settled_invoice(consumer=owner.organization), owner)
        expire_request(request=ApprovalRequest.objects.get(), actor=SYSTEM)
        refund.refresh_from_db()
        assert refund.status == RefundStatus.CANCELLED

    def test_rejection_tells_why_and_moves_nothing(self, owner: Membership) -> None:
        invoice = make_settled_invoice(consumer=owner.organization)
        refund = ask(invoice, owner)
        reject_request(
            request=ApprovalRequest.objects.get(),
            actor=actor_of(make_staff("approver")),
            comment="The calls were answered.",
        )
        drain_until_empty()

        refund.refresh_from_db()
        assert (refund.status, refund.decision_comment) == (
            RefundStatus.REJECTED,
            "The calls were answered.",
        )
        told = Notification.objects.get(user=owner.user, kind="approvals.rejected")
        assert told.context["comment"] == "The calls were answered."
        assert not OutboxMessage.objects.filter(topic="billing.send_refund").exists()
        assert not CreditNote.objects.exists()
        assert ask(invoice, owner).status == RefundStatus.REQUESTED


class TestPaying:
    """Approved: the money goes back once, whatever happens on the way."""

    def test_part_goes_back_by_webhook_and_the_books_follow(
        self, owner: Membership, payments: StripeSystem, deliver_webhooks: Deliver
    ) -> None:
        invoice = paid_by_card(owner)
        finance = make_staff("finance")
        refund = approve(ask(invoice, owner, 1250))
        assert refund.status == RefundStatus.APPROVED
        assert stripe_refunds(payments) == []

        drain_until_empty()
        refund.refresh_from_db()
        assert refund.status == RefundStatus.PROCESSING
        assert not CreditNote.objects.exists()

        assert set(deliver_webhooks()) == {200}
        drain_until_empty()
        refund.refresh_from_db()
        payment = Payment.objects.get()
        assert refund.status == RefundStatus.SUCCEEDED
        assert (payment.status, payment.refunded_minor) == ("partially_refunded", 1250)
        assert CreditNote.objects.get().total_minor == 1250
        (at_stripe,) = stripe_refunds(payments)
        assert (at_stripe.amount, at_stripe.id) == (1250, refund.provider_reference)
        assert at_stripe.metadata["refund_id"] == refund.public_id
        told = Notification.objects.filter(user=owner.user, kind="billing.refunded").get()
        assert told.context["credit_note"] == "CN-000001"
        assert not Notification.objects.filter(user=finance).exists()
        actions = AuditEvent.objects.filter(target_id=refund.pk).order_by("id")
        assert [row.action.rsplit(":", 1)[1] for row in actions] == [
            "requested",
            "approved",
            "processing",
            "succeeded",
        ]

    def test_replayed_and_reordered_webhooks_change_nothing(
        self, owner: Membership, payments: StripeSystem, client: Client
    ) -> None:
        invoice = paid_by_card(owner)
        approve(ask(invoice, owner))
        drain_until_empty()
        path = "/" + register_webhook_endpoint().split("/", 3)[3]
        events = payments.v1.events.list({"limit": 100}).data  # newest first
        for _time in range(2):
            for event in events:
                body = json.dumps(event.to_dict(), default=str)
                assert signed_post(client, path, body).status_code == 200
            drain_until_empty()

        assert Refund.objects.get().status == RefundStatus.SUCCEEDED
        assert Payment.objects.get().status == "refunded"
        assert CreditNote.objects.count() == 1
        assert sum(Earning.objects.values_list("net_minor", flat=True)) == 0

    def test_forged_webhook_is_refused_and_a_wrong_one_proves_nothing(
        self, owner: Membership, payments: StripeSystem, client: Client
    ) -> None:
        refund = approve(ask(paid_by_card(owner, "pm_card_pendingRefund"), owner))
        drain_until_empty()
        path = "/" + register_webhook_endpoint().split("/", 3)[3]
        (event,) = payments.v1.events.list({"type": "refund.created"}).data
        forged = event.to_dict()
        forged["data"]["object"]["status"] = "succeeded"
        body = json.dumps(forged, default=str)

        assert signed_post(client, path, body, "whsec_of_somebody").status_code == 400
        assert signed_post(client, path, body).status_code == 200
        drain_until_empty()

        refund.refresh_from_db()
        assert refund.status == RefundStatus.PROCESSING
        assert not CreditNote.objects.exists()

    def test_pending_refund_succeeds_later(
        self, owner: Membership, payments: StripeSystem, deliver_webhooks: Deliver
    ) -> None:
        refund = approve(ask(paid_by_card(owner, "pm_card_pendingRefund"), owner))
        drain_until_empty()
        deliver_webhooks()
        drain_until_empty()
        refund.refresh_from_db()
        assert refund.status == RefundStatus.PROCESSING

        payments.post("settle")
        deliver_webhooks()
        drain_until_empty()
        refund.refresh_from_db()
        assert refund.status == RefundStatus.SUCCEEDED

    def test_crash_after_stripe_did_it_is_healed_without_paying_twice(
        self, owner: Membership, payments: StripeSystem
    ) -> None:
        refund = approve(ask(paid_by_card(owner), owner, 2000))
        # The answer was lost with us: Stripe has the refund, our row says approved.
        StripeGateway().refund(
            payment_reference=refund.payment.provider_reference,
            amount=refund.amount,
            refund_id=refund.public_id,
            key=refund.key,
        )

        drain_until_empty()
        assert reconcile_refunds.apply().get() == {"sent": 0, "checked": 1, "unavailable": 0}

        refund.refresh_from_db()
        assert refund.status == RefundStatus.SUCCEEDED
        assert len(stripe_refunds(payments)) == 1

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_stripe_away_leaves_the_refund_approved_and_the_next_try_pays_once(
        self, owner: Membership, payments: StripeSystem, when: str
    ) -> None:
        refund = approve(ask(paid_by_card(owner), owner))
        fault = {"path": "/v1/refunds", "method": "POST", "kind": "drop", "count": 9}
        payments.post("faults", **fault, when=when)
        with pytest.raises(PaymentProviderUnavailable):
            send_refund(refund=refund, actor=SYSTEM)
        refund.refresh_from_db()
        assert refund.status == RefundStatus.APPROVED

        payments.control.delete("/_fake/faults")
        drain_until_empty()

        refund.refresh_from_db()
        assert refund.status == RefundStatus.PROCESSING
        assert len(stripe_refunds(payments)) == 1

    def test_refund_of_another_amount_at_stripe_is_reported_and_not_booked(
        self, owner: Membership, payments: StripeSystem
    ) -> None:
        refund = approve(ask(paid_by_card(owner), owner, 2000))
        payments.v1.refunds.create(
            {
                "payment_intent": refund.payment.provider_reference,
                "amount": 1999,
                "metadata": {"refund_id": refund.public_id, "refund_key": refund.key},
            }
        )
        assert reconcile_refunds.apply().get() == {"sent": 1, "checked": 1, "unavailable": 0}

        refund.refresh_from_db()
        assert (refund.status, refund.failure_code) == (RefundStatus.FAILED, "amount_differs")
        assert not CreditNote.objects.exists()
        assert len(stripe_refunds(payments)) == 1

    def test_provider_is_told_what_was_taken_back(
        self, owner: Membership, payments: StripeSystem, deliver_webhooks: Deliver
    ) -> None:
        approve(ask(paid_by_card(owner), owner, 1250))
        provider = Earning.objects.earliest("id").provider_organization
        seller = make_member("owner", organization=provider)
        drain_until_empty()
        deliver_webhooks()
        drain_until_empty()

        told = Notification.objects.get(user=seller.user, kind="billing.earnings_reversed")
        assert told.context == {"amount": "$10.00", "credit_note": "CN-000001"}
        assert len(stripe_refunds(payments)) == 1

    @pytest.mark.usefixtures("payments")
    def test_job_sends_what_was_never_sent_and_asks_for_what_no_webhook_told(
        self, owner: Membership
    ) -> None:
        refund = approve(ask(paid_by_card(owner), owner))
        OutboxMessage.objects.filter(topic="billing.send_refund").delete()

        assert reconcile_refunds.apply().get() == {"sent": 1, "checked": 1, "unavailable": 0}

        refund.refresh_from_db()
        assert refund.status == RefundStatus.SUCCEEDED


class TestFailing:
    """Stripe refuses, or the bank sends the money back."""

    def test_refused_refund_fails_with_the_reason_and_both_sides_hear_it(
        self, owner: Membership, payments: StripeSystem
    ) -> None:
        finance = make_staff("finance")
        invoice = paid_by_card(owner)
        refund = approve(ask(invoice, owner, 2000))
        # Somebody gave everything back in Stripe's dashboard.
        payments.v1.refunds.create({"payment_intent": refund.payment.provider_reference})

        drain_until_empty()

        refund.refresh_from_db()
        assert (refund.status, refund.failure_code) == (
            RefundStatus.FAILED,
            "charge_already_refunded",
        )
        kinds = set(Notification.objects.values_list("user_id", "kind"))
        assert (owner.user_id, "billing.refund_failed") in kinds
        assert (finance.pk, "billing.refund_stuck") in kinds
        assert not CreditNote.objects.exists()
        assert Payment.objects.get().refunded_minor == 0

    def test_money_that_the_bank_sends_back_is_still_owed_and_sent_again(
        self, owner: Membership, payments: StripeSystem, deliver_webhooks: Deliver
    ) -> None:
        invoice = paid_by_card(owner, "pm_card_refundFail")
        refund = approve(ask(invoice, owner, 2000))
        for _time in range(2):
            drain_until_empty()
            deliver_webhooks()
        drain_until_empty()
        refund.refresh_from_db()
        assert refund.status == RefundStatus.SUCCEEDED
        first = refund.provider_reference

        payments.post("settle")
        deliver_webhooks()
        drain_until_empty()
        refund.refresh_from_db()
        assert refund.status == RefundStatus.FAILED
        assert CreditNote.objects.count() == 1

        retry_refund(refund=refund, actor=actor_of(make_staff("finance")))
        drain_until_empty()
        sync_refund(reference=first, actor=SYSTEM)  # a late echo of the first attempt
        deliver_webhooks()
        drain_until_empty()
        refund.refresh_from_db()
        assert (refund.status, refund.attempt) == (RefundStatus.SUCCEEDED, 2)
        assert refund.provider_reference != first
        assert CreditNote.objects.count() == 1
        assert Payment.objects.get().refunded_minor == 2000

    def test_retry_is_refused_where_something_else_was_given_back_since(
        self, owner: Membership
    ) -> None:
        invoice = make_settled_invoice(consumer=owner.organization)
        refund = ask(invoice, owner)
        Refund.objects.update(status=RefundStatus.FAILED)
        other = ask(invoice, owner, 100)
        with pytest.raises(RefundUnderWay):
            retry_refund(refund=refund, actor=SYSTEM)
        withdraw_refund(refund=other, actor=actor_of(owner))
        Payment.objects.update(refunded_minor=1, status="partially_refunded")
        with pytest.raises(RefundTooHigh):
            retry_refund(refund=refund, actor=SYSTEM)

    def test_one_that_stripe_does_not_answer_does_not_keep_the_others_waiting(
        self, owner: Membership, payments: StripeSystem
    ) -> None:
        first, second = (approve(ask(paid_by_card(owner), owner)) for _ in range(2))
        drain_until_empty()
        first.refresh_from_db()
        path = f"/v1/refunds/{first.provider_reference}"
        payments.post("faults", path=path, method="GET", kind="drop", count=9, when="before")

        assert reconcile_refunds.apply().get() == {"sent": 0, "checked": 2, "unavailable": 1}

        for refund in (first, second):
            refund.refresh_from_db()
        assert first.status == RefundStatus.PROCESSING
        assert second.status == RefundStatus.SUCCEEDED

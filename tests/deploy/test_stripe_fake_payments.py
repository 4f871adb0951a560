"""Cards, setup intents, payment intents, charges, refunds: through the real SDK, over sockets."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

from tests.deploy.conftest import StripeSystem

ON_SESSION = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


def pay(system: StripeSystem, **params: Any) -> Any:
    defaults = {"amount": 1999, "currency": "usd", "confirm": True} | ON_SESSION
    return system.v1.payment_intents.create(defaults | params)


def test_saved_card_is_charged_off_session(stripe_system: StripeSystem) -> None:
    customer, method = stripe_system.customer_with_card()
    intent = pay(stripe_system, customer=customer, payment_method=method, off_session=True)

    assert intent.status == "succeeded"
    assert intent.amount_received == 1999
    charge = stripe_system.v1.charges.retrieve(
        intent.latest_charge, {"expand": ["balance_transaction", "refunds"]}
    )
    assert charge.paid
    assert charge.captured
    assert charge.payment_method_details.card.last4 == "4242"
    assert charge.refunds.data == []
    # 2.9 % of 19.99 is 0.58, and 0.30.
    assert charge.balance_transaction.fee == 88
    assert charge.balance_transaction.net == 1911
    assert stripe_system.event_types() == [
        "customer.created",
        "payment_method.attached",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_declined_card_raises_and_leaves_a_failed_charge(
    stripe_system: StripeSystem, token: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        pay(stripe_system, payment_method=token)

    error = refusal.value
    assert error.http_status == 402
    assert error.code == code
    assert error.error
    assert error.error.payment_intent
    assert getattr(error.error, "decline_code", None) == decline_code
    intent = stripe_system.v1.payment_intents.retrieve(error.error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == code
    charge = stripe_system.v1.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
    assert "payment_intent.payment_failed" in stripe_system.event_types()


def test_declining_card_cannot_be_saved_but_customer_fail_can(stripe_system: StripeSystem) -> None:
    with pytest.raises(stripe.CardError):
        stripe_system.customer_with_card("pm_card_chargeDeclined")
    customer, method = stripe_system.customer_with_card("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as refusal:
        pay(stripe_system, customer=customer, payment_method=method, off_session=True)
    assert refusal.value.code == "card_declined"


def test_off_session_payment_that_needs_the_holder_is_refused(stripe_system: StripeSystem) -> None:
    customer, method = stripe_system.customer_with_card("pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as refusal:
        pay(stripe_system, customer=customer, payment_method=method, off_session=True)
    assert refusal.value.code == "authentication_required"


@pytest.mark.parametrize(
    ("choice", "status", "result"),
    [
        ("complete", "succeeded", "succeeded"),
        ("fail", "requires_payment_method", "failed"),
    ],
)
def test_holder_authenticates_on_the_issuers_page(
    stripe_system: StripeSystem, choice: str, status: str, result: str
) -> None:
    intent = pay(
        stripe_system,
        payment_method="pm_card_authenticationRequired",
        return_url="http://shop.test/back?order=7",
    )
    assert intent.status == "requires_action"
    page = intent.next_action.redirect_to_url.url
    assert "Complete authentication" in httpx.get(page, trust_env=False).text

    answer = httpx.post(page, data={"result": choice}, trust_env=False)

    assert answer.status_code == 303
    location = httpx.URL(answer.headers["Location"])
    assert location.host == "shop.test"
    assert dict(location.params) == {
        "order": "7",
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": result,
    }
    assert stripe_system.v1.payment_intents.retrieve(intent.id).status == status


def test_card_set_up_once_pays_off_session_later(stripe_system: StripeSystem) -> None:
    customer = stripe_system.v1.customers.create({"name": "Acme"})
    setup = stripe_system.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": "http://shop.test/back",
        }
    )
    assert setup.status == "requires_action"
    httpx.post(setup.next_action.redirect_to_url.url, data={"result": "complete"}, trust_env=False)
    setup = stripe_system.v1.setup_intents.retrieve(setup.id)
    assert setup.status == "succeeded"

    intent = pay(
        stripe_system, customer=customer.id, payment_method=setup.payment_method, off_session=True
    )
    assert intent.status == "succeeded"


def test_setup_intent_moves_through_its_states(stripe_system: StripeSystem) -> None:
    customer = stripe_system.v1.customers.create({})
    setup = stripe_system.v1.setup_intents.create(
        {"customer": customer.id, "payment_method_types": ["card"]}
    )
    assert setup.status == "requires_payment_method"
    setup = stripe_system.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert setup.status == "succeeded"
    saved = stripe_system.v1.customers.payment_methods.list(customer.id)
    assert [method.id for method in saved.data] == [setup.payment_method]
    with pytest.raises(stripe.InvalidRequestError) as error:
        stripe_system.v1.setup_intents.cancel(setup.id)
    assert error.value.code == "setup_intent_unexpected_state"


def test_refused_setup_keeps_the_reason(stripe_system: StripeSystem) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        stripe_system.v1.setup_intents.create(
            {
                "payment_method": "pm_card_chargeDeclined",
                "confirm": True,
                "payment_method_types": ["card"],
            }
        )
    assert refusal.value.error
    assert refusal.value.error.setup_intent
    setup = stripe_system.v1.setup_intents.retrieve(refusal.value.error.setup_intent.id)
    assert setup.status == "requires_payment_method"
    assert setup.last_setup_error.code == "card_declined"


def test_held_money_is_captured_in_part(stripe_system: StripeSystem) -> None:
    intent = pay(stripe_system, payment_method="pm_card_visa", capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1999)
    with pytest.raises(stripe.InvalidRequestError) as error:
        stripe_system.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2000})
    assert error.value.code == "amount_too_large"
    intent = stripe_system.v1.payment_intents.capture(intent.id, {"amount_to_capture": 500})
    assert (intent.status, intent.amount_received) == ("succeeded", 500)
    charge = stripe_system.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_captured, charge.amount_refunded) == (500, 1499)


def test_finished_intent_cannot_be_canceled(stripe_system: StripeSystem) -> None:
    intent = pay(stripe_system, payment_method="pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError) as error:
        stripe_system.v1.payment_intents.cancel(intent.id)
    assert error.value.code == "payment_intent_unexpected_state"
    open_intent = stripe_system.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    canceled = stripe_system.v1.payment_intents.cancel(
        open_intent.id, {"cancellation_reason": "abandoned"}
    )
    assert canceled.status == "canceled"


def test_refunds_never_exceed_the_charge(stripe_system: StripeSystem) -> None:
    intent = pay(stripe_system, payment_method="pm_card_visa")
    refunds = stripe_system.v1.refunds
    part = refunds.create({"payment_intent": intent.id, "amount": 999})
    assert part.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        refunds.create({"payment_intent": intent.id, "amount": 1001})
    assert refunds.create({"charge": intent.latest_charge}).amount == 1000
    with pytest.raises(stripe.InvalidRequestError) as error:
        refunds.create({"payment_intent": intent.id})
    assert error.value.code == "charge_already_refunded"
    charge = stripe_system.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert charge.refunded
    assert [refund.amount for refund in charge.refunds.data] == [1000, 999]
    moved = stripe_system.v1.balance_transactions.retrieve(part.balance_transaction)
    assert (moved.amount, moved.net, moved.type) == (-999, -999, "refund")


def test_confirming_without_return_url_is_refused_as_at_stripe(stripe_system: StripeSystem) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        stripe_system.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "usd",
                "confirm": True,
                "payment_method": "pm_card_visa",
            }
        )


def test_card_of_another_customer_is_refused(stripe_system: StripeSystem) -> None:
    _, method = stripe_system.customer_with_card()
    other = stripe_system.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        pay(stripe_system, customer=other.id, payment_method=method)


def test_detached_card_cannot_pay(stripe_system: StripeSystem) -> None:
    customer, method = stripe_system.customer_with_card()
    stripe_system.v1.customers.update(
        customer, {"invoice_settings": {"default_payment_method": method}}
    )
    assert stripe_system.v1.payment_methods.detach(method).customer is None
    assert (
        stripe_system.v1.customers.retrieve(customer).invoice_settings.default_payment_method
        is None
    )
    with pytest.raises(stripe.InvalidRequestError):
        pay(stripe_system, customer=customer, payment_method=method)


def test_amounts_too_small_or_too_large(stripe_system: StripeSystem) -> None:
    for amount, code in ((49, "amount_too_small"), (100_000_000, "amount_too_large")):
        with pytest.raises(stripe.InvalidRequestError) as error:
            pay(stripe_system, amount=amount, payment_method="pm_card_visa")
        assert error.value.code == code


@pytest.mark.parametrize(
    ("text", "status", "balance"),
    [("winning_evidence", "won", 0), ("losing_evidence", "lost", -3499)],
)
def test_disputed_charge_is_decided_by_the_evidence(
    stripe_system: StripeSystem, text: str, status: str, balance: int
) -> None:
    intent = pay(stripe_system, payment_method="pm_card_createDispute")
    assert stripe_system.v1.charges.retrieve(intent.latest_charge).disputed
    (dispute,) = stripe_system.v1.disputes.list({"payment_intent": intent.id}).data
    assert dispute.status == "needs_response"

    dispute = stripe_system.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": text}}
    )

    assert dispute.status == status
    assert sum(moved.net for moved in dispute.balance_transactions) == balance
    assert stripe_system.event_types()[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError) as error:
        stripe_system.v1.disputes.close(dispute.id)
    assert error.value.code == "dispute_already_closed"


@pytest.mark.parametrize(
    ("token", "statuses", "refunded"),
    [
        ("pm_card_pendingRefund", ["pending", "succeeded"], 1999),
        ("pm_card_refundFail", ["succeeded", "failed"], 0),
    ],
)
def test_refund_ends_otherwise_than_it_began(
    stripe_system: StripeSystem, token: str, statuses: list[str], refunded: int
) -> None:
    intent = pay(stripe_system, payment_method=token)
    refund = stripe_system.v1.refunds.create({"payment_intent": intent.id})
    assert stripe_system.post("settle")["data"] == [refund.id]
    settled = stripe_system.v1.refunds.retrieve(refund.id)
    assert [refund.status, settled.status] == statuses
    charge = stripe_system.v1.charges.retrieve(intent.latest_charge)
    assert charge.amount_refunded == refunded
    assert stripe_system.post("settle")["data"] == []

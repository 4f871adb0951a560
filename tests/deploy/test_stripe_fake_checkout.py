"""Checkout: the hosted page, driven as a browser would."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

from tests.deploy.conftest import StripeSystem

SHOP = "http://shop.test/done?session={CHECKOUT_SESSION_ID}"


def submit(url: str, number: str) -> httpx.Response:
    form = {"number": number, "expiry": "12 / 34", "cvc": "123"}
    return httpx.post(url, data=form, trust_env=False)


def payment_session(system: StripeSystem, **params: Any) -> Any:
    price = {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Plan <Pro>"}}
    defaults = {
        "mode": "payment",
        "success_url": SHOP,
        "line_items": [{"price_data": price, "quantity": 2}],
    }
    return system.v1.checkout.sessions.create(defaults | params)


def test_card_is_saved_in_setup_mode(stripe_system: StripeSystem) -> None:
    customer = stripe_system.v1.customers.create({"email": "acme@example.com"})
    session = stripe_system.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "customer": customer.id, "success_url": SHOP}
    )
    page = httpx.get(session.url, trust_env=False)
    assert "Save card" in page.text

    answer = submit(session.url, "4242 4242 4242 4242")

    assert answer.headers["Location"] == f"http://shop.test/done?session={session.id}"
    session = stripe_system.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["setup_intent.payment_method"]}
    )
    assert session.status == "complete"
    assert session.setup_intent.status == "succeeded"
    assert session.setup_intent.payment_method.customer == customer.id
    assert stripe_system.event_types()[-1] == "checkout.session.completed"


def test_declined_card_can_be_replaced(stripe_system: StripeSystem) -> None:
    session = payment_session(stripe_system, payment_intent_data={"metadata": {"invoice": "7"}})
    page = httpx.get(session.url, trust_env=False).text
    assert "25.00 EUR" in page
    assert "Plan &lt;Pro&gt;" in page
    assert stripe_system.v1.checkout.sessions.retrieve(session.id).payment_intent is None

    refused = submit(session.url, "4000000000000002")
    assert refused.status_code == 402
    assert "Your card was declined." in refused.text
    assert submit(session.url, "4242424242424242").status_code == 303

    session = stripe_system.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent", "line_items"]}
    )
    assert (session.status, session.payment_status) == ("complete", "paid")
    assert session.payment_intent.amount_received == 2500
    assert session.payment_intent.metadata.to_dict() == {"invoice": "7"}
    assert session.line_items.data[0].quantity == 2
    assert len(stripe_system.v1.payment_intents.list().data) == 1
    # The finished page sends a reload to the shop and takes no second payment.
    assert submit(str(refused.url), "4242424242424242").status_code == 303
    assert len(stripe_system.v1.charges.list().data) == 2


@pytest.mark.parametrize(("choice", "status"), [("complete", "complete"), ("fail", "open")])
def test_authentication_comes_between(
    stripe_system: StripeSystem, choice: str, status: str
) -> None:
    session = payment_session(stripe_system)
    issuer = submit(session.url, "4000002760003184").headers["Location"]
    back = httpx.post(issuer, data={"result": choice}, trust_env=False).headers["Location"]
    answer = httpx.get(back, trust_env=False)
    assert answer.status_code == (303 if choice == "complete" else 402)
    assert stripe_system.v1.checkout.sessions.retrieve(session.id).status == status


def test_expired_session_takes_no_card(stripe_system: StripeSystem) -> None:
    session = payment_session(stripe_system)
    stripe_system.v1.checkout.sessions.expire(session.id)
    assert "expired" in submit(session.url, "4242424242424242").text
    assert stripe_system.v1.payment_intents.list().data == []


def test_what_is_not_played_is_refused(stripe_system: StripeSystem) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="setup and payment mode only"):
        payment_session(stripe_system, mode="subscription")
    assert httpx.get(f"{stripe_system.server.url}/pay/checkout/cs_x").status_code == 404


def test_customer_looks_after_the_saved_cards(stripe_system: StripeSystem) -> None:
    customer, old = stripe_system.customer_with_card()
    new = stripe_system.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer}).id
    session = stripe_system.v1.billing_portal.sessions.create(
        {"customer": customer, "return_url": "http://shop.test/billing"}
    )
    page = httpx.get(session.url, trust_env=False).text
    assert "visa •••• 4242" in page
    assert "http://shop.test/billing" in page

    for form in ({"default": new}, {"remove": old}):
        answer = httpx.post(session.url, data=form, trust_env=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, session.url)

    kept = stripe_system.v1.customers.retrieve(customer)
    assert kept.invoice_settings.default_payment_method == new
    listed = stripe_system.v1.customers.payment_methods.list(customer)
    assert [method.id for method in listed.data] == [new]
    guessed = f"{stripe_system.server.url}/pay/portal/{session.id}"
    assert httpx.get(guessed, trust_env=False).status_code == 404

"""dj-stripe mirrors what the local Stripe plays, from webhooks and by retrieval."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
import stripe
from django.urls import reverse
from djstripe import models as mirror

from tests.deploy.conftest import StripeSystem

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(stripe_system: StripeSystem, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A saved card, a payment with it, and half of it refunded."""
    monkeypatch.setattr(stripe, "api_base", stripe_system.server.url)
    customer = stripe_system.v1.customers.create({"email": "acme@example.com", "name": "Acme"})
    setup = stripe_system.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "confirm": True,
        }
    )
    intent = stripe_system.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": setup.payment_method,
            "confirm": True,
            "off_session": True,
        }
    )
    stripe_system.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    return intent


def process_all_events(system: StripeSystem) -> None:
    listed = system.v1.events.list({"limit": 100})
    for event in reversed(listed.data):
        mirror.Event.process(event.to_dict())


def test_every_event_is_mirrored(stripe_system: StripeSystem, paid: Any) -> None:
    process_all_events(stripe_system)

    intent = mirror.PaymentIntent.objects.get(id=paid.id)
    assert intent.stripe_data["status"] == "succeeded"
    assert intent.customer.stripe_data["email"] == "acme@example.com"
    method = mirror.PaymentMethod.objects.get(id=paid.payment_method)
    assert method.customer == intent.customer
    assert mirror.SetupIntent.objects.get().payment_method == method
    charge = mirror.Charge.objects.get(id=paid.latest_charge)
    assert charge.stripe_data["amount_refunded"] == 500
    assert charge.balance_transaction.stripe_data["fee"] == 88
    assert mirror.Account.objects.get().id.startswith("acct_")


@pytest.mark.parametrize(
    "name",
    [
        "Account",
        "BalanceTransaction",
        "Charge",
        "Customer",
        "PaymentIntent",
        "PaymentMethod",
        "Refund",
        "SetupIntent",
    ],
)
def test_retrieved_objects_are_synced(stripe_system: StripeSystem, paid: Any, name: str) -> None:
    model = getattr(mirror, name)
    kind = model.stripe_class.OBJECT_NAME
    stripe_system.v1.accounts.retrieve_current()
    stored = [item["id"] for item in stripe_system.server.store.newest_first(kind)]
    assert stored
    for object_id in stored:
        retrieved = model(id=object_id).api_retrieve(
            api_key=stripe_system.client._requestor.api_key
        )
        assert model.sync_from_stripe_data(retrieved).id == object_id


def test_declined_payment_is_mirrored(
    stripe_system: StripeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "api_base", stripe_system.server.url)
    customer, method = stripe_system.customer_with_card("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        stripe_system.v1.payment_intents.create(
            {
                "amount": 2000,
                "currency": "usd",
                "customer": customer,
                "payment_method": method,
                "confirm": True,
                "off_session": True,
            }
        )
    process_all_events(stripe_system)
    intent = mirror.PaymentIntent.objects.get()
    assert intent.stripe_data["status"] == "requires_payment_method"
    assert mirror.Charge.objects.get().stripe_data["status"] == "failed"


def test_checkout_session_is_mirrored(
    stripe_system: StripeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "api_base", stripe_system.server.url)
    customer = stripe_system.v1.customers.create({"email": "acme@example.com"})
    session = stripe_system.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "currency": "usd",
            "customer": customer.id,
            "success_url": "http://shop.test/",
        }
    )
    stripe_system.v1.checkout.sessions.expire(session.id)
    process_all_events(stripe_system)
    assert mirror.Session.objects.get().stripe_data["status"] == "expired"


def test_dispute_is_mirrored(stripe_system: StripeSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "api_base", stripe_system.server.url)
    stripe_system.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "payment_method": "pm_card_createDispute",
            "payment_method_types": ["card"],
            "confirm": True,
        }
    )
    process_all_events(stripe_system)
    dispute = mirror.Dispute.objects.get()
    assert dispute.status == "needs_response"
    assert dispute.charge.stripe_data["disputed"]


@pytest.mark.django_db(transaction=True)
def test_webhooks_reach_the_mirror_over_sockets(
    stripe_system: StripeSystem, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "api_base", stripe_system.server.url)
    mark = uuid.uuid4()
    path = reverse("djstripe:djstripe_webhook_by_uuid", args=[mark])
    endpoint = stripe_system.v1.webhook_endpoints.create(
        {
            "url": live_server.url + path,
            "enabled_events": ["*"],
            "metadata": {"djstripe_uuid": str(mark)},
        }
    )
    mirror.WebhookEndpoint.sync_from_stripe_data(endpoint)
    stripe_system.post("webhooks", duplicates=1)

    customer = stripe_system.v1.customers.create({"email": "acme@example.com"})

    deadline = time.monotonic() + 10
    states: set[str] = set()
    while states != {"delivered"} and time.monotonic() < deadline:
        states = {d["state"] for d in stripe_system.get("deliveries")["data"]}
        time.sleep(0.05)
    assert states == {"delivered"}
    assert mirror.Customer.objects.get().id == customer.id
    assert mirror.Event.objects.get().type == "customer.created"

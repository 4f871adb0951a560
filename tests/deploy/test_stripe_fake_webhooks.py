"""Events and their signed, repeated delivery."""

from __future__ import annotations

import time

import pytest
import stripe

from tests.deploy.conftest import Receiver, StripeSystem


def register(system: StripeSystem, url: str, *types: str) -> stripe.WebhookEndpoint:
    endpoint: stripe.WebhookEndpoint = system.v1.webhook_endpoints.create(
        {"url": url, "enabled_events": list(types) or ["*"]}
    )
    return endpoint


def test_event_is_signed_and_of_the_current_shape(
    stripe_system: StripeSystem, receiver: Receiver
) -> None:
    endpoint = register(stripe_system, receiver.url)
    customer = stripe_system.v1.customers.create({"name": "Acme"}, {"idempotency_key": "k1"})

    receiver.wait_for(1)
    signature, payload = receiver.received[0]
    event = stripe.Webhook.construct_event(payload, signature, endpoint.secret)
    assert event.type == "customer.created"
    assert event.api_version == stripe.api_version
    assert event.data.object.id == customer.id
    assert event["request"].idempotency_key == "k1"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload, signature, "whsec_other")
    assert stripe_system.v1.events.retrieve(event.id).data.object.id == customer.id


def test_endpoint_of_the_environment_gets_every_event(
    stripe_system: StripeSystem, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_FAKE_WEBHOOK_URL", receiver.url)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_local")
    stripe_system.v1.customers.create({})
    receiver.wait_for(1)
    signature, payload = receiver.received[0]
    assert stripe.Webhook.construct_event(payload, signature, "whsec_local").type == (
        "customer.created"
    )


def test_only_wanted_types_are_sent(stripe_system: StripeSystem, receiver: Receiver) -> None:
    register(stripe_system, receiver.url, "customer.updated")
    customer = stripe_system.v1.customers.create({"name": "Acme"})
    stripe_system.v1.customers.update(customer.id, {"name": "Grace"})
    (event,) = receiver.wait_for(1)
    assert event["type"] == "customer.updated"
    assert event["data"]["previous_attributes"] == {"name": "Acme"}


def test_refused_delivery_is_repeated_until_accepted(
    stripe_system: StripeSystem, receiver: Receiver
) -> None:
    register(stripe_system, receiver.url)
    receiver.statuses[:] = [500, 302]
    stripe_system.v1.customers.create({})
    events = receiver.wait_for(3)
    assert len({event["id"] for event in events}) == 1
    event_id = events[0]["id"]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        (delivery,) = stripe_system.get("deliveries", event=event_id)["data"]
        if delivery["state"] == "delivered":
            break
        time.sleep(0.02)
    assert (delivery["state"], delivery["attempts"], delivery["last_status"]) == (
        "delivered",
        3,
        200,
    )
    assert stripe_system.v1.events.retrieve(event_id).pending_webhooks == 0


def test_duplicates_and_redelivery(stripe_system: StripeSystem, receiver: Receiver) -> None:
    register(stripe_system, receiver.url)
    stripe_system.post("webhooks", duplicates=1)
    stripe_system.v1.customers.create({})
    first, second = receiver.wait_for(2)
    assert first["id"] == second["id"]
    stripe_system.post("webhooks", duplicates=0)
    stripe_system.post(f"events/{first['id']}/redeliver", times=2)
    assert {event["id"] for event in receiver.wait_for(4)} == {first["id"]}


def test_paused_deliveries_wait_and_survive(
    stripe_system: StripeSystem, receiver: Receiver
) -> None:
    register(stripe_system, receiver.url)
    stripe_system.post("webhooks", paused=True)
    stripe_system.v1.customers.create({})
    (delivery,) = stripe_system.get("deliveries")["data"]
    assert (delivery["state"], delivery["attempts"]) == ("pending", 0)
    assert receiver.received == []
    stripe_system.post("webhooks", paused=False)
    receiver.wait_for(1)


def test_endpoints_elsewhere_are_refused(stripe_system: StripeSystem) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="on this machine only"):
        register(stripe_system, "https://example.com/hook")


def test_disabled_and_deleted_endpoints_get_nothing(
    stripe_system: StripeSystem, receiver: Receiver
) -> None:
    endpoint = register(stripe_system, receiver.url)
    stripe_system.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    stripe_system.v1.customers.create({})
    assert stripe_system.get("deliveries")["data"] == []
    stripe_system.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    stripe_system.v1.webhook_endpoints.delete(endpoint.id)
    stripe_system.v1.customers.create({})
    assert stripe_system.get("deliveries")["data"] == []


def test_events_are_listed_by_type(stripe_system: StripeSystem) -> None:
    customer, _ = stripe_system.customer_with_card()
    stripe_system.v1.customers.update(customer, {"name": "Acme"})
    listed = stripe_system.v1.events.list({"type": "customer.*"})
    assert [event.type for event in listed.data] == ["customer.updated", "customer.created"]

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe
from django.test import Client

from apps.billing.gateways import stripe as stripe_gateway
from apps.billing.webhook_endpoint import register_webhook_endpoint
from tests.deploy.conftest import StripeSystem, stripe_system

__all__ = ("stripe_system",)

WEBHOOK_SECRET = "whsec_test_only"


@pytest.fixture
def payments(
    stripe_system: StripeSystem,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[StripeSystem]:
    """Our payment gateway and dj-stripe, both talking to a listening Stripe."""
    settings.STRIPE_API_BASE = stripe_system.server.url
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    monkeypatch.setattr(stripe, "api_base", stripe_system.server.url)
    stripe_gateway._client.cache_clear()
    yield stripe_system
    stripe_gateway._client.cache_clear()


def signed_post(client: Client, path: str, payload: str, secret: str = WEBHOOK_SECRET) -> Any:
    """Post a webhook as Stripe signs it."""
    timestamp = int(time.time())
    signature = stripe.WebhookSignature._compute_signature(f"{timestamp}.{payload}", secret)
    return client.post(
        path,
        data=payload,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={timestamp},v1={signature}"},
    )


@pytest.fixture
def deliver_webhooks(payments: StripeSystem, client: Client, db: None) -> Callable[[], list[int]]:
    """Post every event that Stripe has made so far to our webhook; return the answers' statuses."""
    path = "/" + register_webhook_endpoint().split("/", 3)[3]

    def deliver() -> list[int]:
        events = payments.v1.events.list({"limit": 100}).data
        bodies = [json.dumps(event.to_dict(), default=str) for event in reversed(events)]
        return [signed_post(client, path, body).status_code for body in bodies]

    return deliver

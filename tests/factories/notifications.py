"""Webhook endpoints, events and deliveries."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.core import clock
from apps.notifications.constants import MAX_ATTEMPTS
from apps.notifications.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from apps.notifications.signing import new_secret
from tests.factories.accounts import OrganizationFactory


class WebhookEndpointFactory(DjangoModelFactory[WebhookEndpoint]):
    """An active endpoint that wants every event."""

    class Meta:
        model = WebhookEndpoint

    organization = factory.SubFactory(OrganizationFactory)
    url = factory.Sequence(lambda n: f"https://hooks{n}.example.com/in")
    secret = factory.LazyFunction(new_secret)


class WebhookEventFactory(DjangoModelFactory[WebhookEvent]):
    """Something that happened just now."""

    class Meta:
        model = WebhookEvent

    organization = factory.SubFactory(OrganizationFactory)
    type = "webhook.test"
    data = factory.LazyFunction(lambda: {"message": "hello"})
    occurred_at = factory.LazyFunction(clock.now)
    dedupe_key = factory.Sequence(lambda n: f"fact-{n}")


def make_delivery(endpoint: WebhookEndpoint, **fields: Any) -> WebhookDelivery:
    """Make a due delivery of a new event to an endpoint; `event__…` fields go to the event."""
    of_event = {
        name.removeprefix("event__"): fields.pop(name)
        for name in list(fields)
        if name.startswith("event__")
    }
    event = WebhookEventFactory(organization=endpoint.organization, **of_event)
    return WebhookDelivery.objects.create(
        **{
            "organization": endpoint.organization,
            "endpoint": endpoint,
            "event": event,
            "attempts_left": MAX_ATTEMPTS,
            **fields,
        }
    )

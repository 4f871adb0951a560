"""Reads of webhooks, each within the actor's organization."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.core.querysets import TenantQuerySet
from apps.notifications.models import WebhookDelivery, WebhookEndpoint


def list_endpoints(actor: Actor) -> TenantQuerySet[WebhookEndpoint]:
    """Return the endpoints of the actor's organization, newest first."""
    return WebhookEndpoint.objects.visible_to(actor)


def get_endpoint(actor: Actor, public_id: str) -> WebhookEndpoint:
    """Return one endpoint.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    return WebhookEndpoint.objects.get_visible(actor, public_id)


def list_deliveries(
    endpoint: WebhookEndpoint, *, status: str = "", event_type: str = ""
) -> QuerySet[WebhookDelivery]:
    """Return an endpoint's deliveries with their events, newest first; empty filters keep all."""
    rows = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("event", "endpoint")
    if status:
        rows = rows.filter(status=status)
    if event_type:
        rows = rows.filter(event__type=event_type)
    return rows


def get_delivery(actor: Actor, public_id: str) -> WebhookDelivery:
    """Return one delivery with its event and endpoint.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    rows = WebhookDelivery.objects.select_related("event", "endpoint")
    return rows.get_visible(actor, public_id)


def count_endpoints(organization_id: UUID) -> int:
    """Count an organization's webhook endpoints, as its plan of the platform does."""
    return WebhookEndpoint.objects.filter(organization_id=organization_id).count()

"""Sending by hand: a test event, one message once more, everything that failed since a moment."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated
from apps.core.ids import uuid7
from apps.notifications.constants import DELIVERIES_KEPT_FOR, MAX_ATTEMPTS
from apps.notifications.enums import DeliveryStatus, EndpointStatus
from apps.notifications.event_types import TEST_EVENT
from apps.notifications.exceptions import DeliveryUnderWay, EndpointDisabled
from apps.notifications.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from apps.notifications.services.publishing import queue_deliveries, wake_worker


@transaction.atomic
def send_test_event(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookDelivery:
    """Send a `webhook.test` event to this endpoint only, whatever types it wants.

    Raises:
        EndpointDisabled: it gets nothing.
    """
    endpoint = _lock_active(endpoint)
    event = WebhookEvent.objects.create(
        organization_id=endpoint.organization_id,
        type=TEST_EVENT.name,
        data=TEST_EVENT.example,
        occurred_at=clock.now(),
        dedupe_key=f"test:{uuid7()}",
    )
    (delivery,) = queue_deliveries(event=event, endpoints=[endpoint])
    record_audit(
        action="notifications:webhook_endpoint:tested",
        target=endpoint,
        actor=actor,
        after={"event": event.public_id},
    )
    return delivery


@transaction.atomic
def replay_delivery(*, delivery: WebhookDelivery, actor: Actor) -> WebhookDelivery:
    """Send a message once more under its own `webhook-id`, with a full count of attempts.

    Raises:
        EndpointDisabled: its endpoint gets nothing.
        DeliveryUnderWay: it has not ended yet.
    """
    endpoint = _lock_active(delivery.endpoint)
    delivery = WebhookDelivery.objects.lock(delivery.pk)
    if delivery.is_open:
        raise DeliveryUnderWay
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**_fresh())
    delivery.refresh_from_db()
    record_audit(
        action="notifications:webhook_delivery:replayed",
        target=delivery,
        actor=actor,
        organization_id=endpoint.organization_id,
    )
    wake_worker()
    return delivery


@transaction.atomic
def replay_failed_since(*, endpoint: WebhookEndpoint, since: datetime, actor: Actor) -> int:
    """Send again what was given up and was first due at or after `since`; return how many messages.

    Raises:
        EndpointDisabled: it gets nothing.
        RuleViolated: `since` lies in the future, or before what is kept.
    """
    now = clock.now()
    if not now - DELIVERIES_KEPT_FOR <= since <= now:
        raise RuleViolated(_("Choose a time within the last 30 days."), field="since")
    endpoint = _lock_active(endpoint)
    count = WebhookDelivery.objects.filter(
        endpoint=endpoint, status=DeliveryStatus.EXHAUSTED, created_at__gte=since
    ).update(**_fresh())
    if count:
        record_audit(
            action="notifications:webhook_endpoint:replayed",
            target=endpoint,
            actor=actor,
            after={"since": since, "deliveries": count},
        )
        wake_worker()
    return count


def _fresh() -> dict[str, object]:
    return {
        "status": DeliveryStatus.PENDING,
        "attempts_left": MAX_ATTEMPTS,
        "next_attempt_at": clock.now(),
        "claimed_until": None,
        "delivered_at": None,
    }


def _lock_active(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.lock(endpoint.pk)
    if endpoint.status != EndpointStatus.ACTIVE:
        raise EndpointDisabled
    return endpoint

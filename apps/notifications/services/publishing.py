"""Telling programs what happened: an event becomes one delivery per endpoint that wants it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor
from apps.core.db import require_transaction
from apps.core.enums import JobStatus, JobTrigger
from apps.core.jobs import enqueue
from apps.core.models import JobRun
from apps.notifications.constants import CLAIM_LEASE, MAX_ATTEMPTS
from apps.notifications.enums import EndpointStatus
from apps.notifications.event_types import event_type_of
from apps.notifications.models import WebhookDelivery, WebhookEndpoint, WebhookEvent

DELIVER_JOB = "notifications.deliver_webhooks"


def publish_webhook(
    *,
    organization: Organization,
    event_type: str,
    data: dict[str, Any],
    dedupe_key: str,
    occurred_at: datetime | None = None,
) -> WebhookEvent | None:
    """Tell an organization's endpoints what happened; part of the caller's transaction.

    Idempotent by organization, type and `dedupe_key`. `data` holds plain JSON values: public ids, ISO 8601 times,
    amounts in minor units with their currency; never secrets. Deliveries start when the transaction commits.

    Returns:
        The event, or None where no endpoint of the organization wants it.

    Raises:
        TransactionRequiredError: called outside a transaction.
        KeyError: the type is not registered.
    """
    require_transaction()
    event_type_of(event_type)
    active = WebhookEndpoint.objects.filter(organization=organization, status=EndpointStatus.ACTIVE)
    wanting = [endpoint for endpoint in active if endpoint.wants(event_type)]
    if not wanting:
        return None
    event, is_new = WebhookEvent.objects.get_or_create(
        organization=organization,
        type=event_type,
        dedupe_key=dedupe_key,
        defaults={"data": data, "occurred_at": occurred_at or clock.now()},
    )
    if is_new:
        queue_deliveries(event=event, endpoints=wanting)
    return event


def queue_deliveries(
    *, event: WebhookEvent, endpoints: list[WebhookEndpoint]
) -> list[WebhookDelivery]:
    """Write a due delivery per endpoint and wake a worker on commit."""
    rows = WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            organization_id=event.organization_id,
            endpoint=endpoint,
            event=event,
            attempts_left=MAX_ATTEMPTS,
        )
        for endpoint in endpoints
    )
    wake_worker()
    return rows


def wake_worker() -> None:
    """Have due deliveries made after the commit.

    Nothing depends on it: the scheduled run finds what is due as well, so a broker that is away delays
    messages and harms nobody else.
    """
    transaction.on_commit(_start_job, robust=True)


def _start_job() -> None:
    waiting = JobRun.objects.filter(
        name=DELIVER_JOB, status=JobStatus.QUEUED, created_at__gt=clock.now() - CLAIM_LEASE
    )
    if waiting.exists():
        return  # it has not looked yet, so it will find these too
    enqueue(DELIVER_JOB, actor=Actor.system("webhooks"), trigger=JobTrigger.REQUEST)

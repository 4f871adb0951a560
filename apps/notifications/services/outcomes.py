"""What follows from an attempt: done, another one later, given up, or an endpoint that gets nothing more."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import transaction
from django.urls import reverse

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.notifications import notices
from apps.notifications.constants import (
    ATTEMPT_WAITS,
    DISABLED_AFTER_FAILING_FOR,
    JITTER_SHARE,
    MANAGE_WEBHOOKS,
    MAX_ATTEMPTS,
)
from apps.notifications.enums import (
    OPEN_STATUSES,
    DeliveryStatus,
    DisabledBecause,
    EndpointStatus,
)
from apps.notifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from apps.notifications.services.messages import Message, notify_members

ENDPOINT_ROUTE = "notifications:webhook"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: an answer, or the error in its place."""

    response_status: int | None
    response_excerpt: str
    error: str
    duration_ms: int

    @property
    def is_success(self) -> bool:
        """Only 2xx counts; redirects are not followed."""
        return self.response_status is not None and (
            HTTPStatus.OK <= self.response_status < HTTPStatus.MULTIPLE_CHOICES
        )


@transaction.atomic
def note_outcome(*, attempt: WebhookAttempt, outcome: Outcome) -> None:
    """Write down how an attempt ended and decide what follows.

    An endpoint that answers 410, or has only failed for five days, is disabled and its managers are told.
    """
    now = clock.now()
    WebhookAttempt.objects.filter(pk=attempt.pk).update(
        finished_at=now,
        duration_ms=outcome.duration_ms,
        response_status=outcome.response_status,
        response_excerpt=outcome.response_excerpt,
        error=outcome.error,
    )
    # The endpoint first, as everywhere: services that disable it take its deliveries afterwards.
    found = WebhookDelivery.objects.filter(pk=attempt.delivery_id).values("endpoint_id").first()
    if found is None:
        return  # the endpoint was deleted during the call
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=found["endpoint_id"])
    delivery = WebhookDelivery.objects.lock(attempt.delivery_id)
    if delivery.attempts_made != attempt.number:
        return  # this call took so long that another one was made meanwhile: that one decides
    delivery.claimed_until = None
    delivery.response_status = outcome.response_status
    if outcome.is_success:
        _finish(delivery, endpoint, now)
    else:
        _fail(delivery, endpoint, outcome, now)


def _finish(delivery: WebhookDelivery, endpoint: WebhookEndpoint, now: datetime) -> None:
    delivery.status = DeliveryStatus.SUCCEEDED
    delivery.delivered_at = now
    delivery.next_attempt_at = None
    _save(delivery)
    if endpoint.failing_since is not None:
        endpoint.failing_since = None
        endpoint.save(update_fields=["failing_since", "updated_at"])


def _fail(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint, outcome: Outcome, now: datetime
) -> None:
    is_last = delivery.attempts_left == 0 or endpoint.status != EndpointStatus.ACTIVE
    delivery.status = DeliveryStatus.EXHAUSTED if is_last else DeliveryStatus.FAILED
    delivery.next_attempt_at = None if is_last else now + wait_before(delivery.attempts_left)
    _save(delivery)
    if endpoint.failing_since is None:
        endpoint.failing_since = now
        endpoint.save(update_fields=["failing_since", "updated_at"])
    if endpoint.status != EndpointStatus.ACTIVE:
        return
    if outcome.response_status == HTTPStatus.GONE:
        _give_up(endpoint, DisabledBecause.GONE)
    elif endpoint.failing_since <= now - DISABLED_AFTER_FAILING_FOR:
        _give_up(endpoint, DisabledBecause.FAILING)


def wait_before(attempts_left: int) -> timedelta:
    """Return how long to wait before the next of the attempts that are left, with a tenth of jitter."""
    wait = ATTEMPT_WAITS[MAX_ATTEMPTS - attempts_left]
    return wait * random.uniform(1 - JITTER_SHARE, 1 + JITTER_SHARE)  # noqa: S311 -- no secret


def _save(delivery: WebhookDelivery) -> None:
    delivery.save(
        update_fields=[
            "claimed_until", "response_status", "status", "delivered_at", "next_attempt_at", "updated_at",
        ]
    )  # fmt: skip


def _give_up(endpoint: WebhookEndpoint, because: DisabledBecause) -> None:
    disable(endpoint, because)
    actor = Actor.system("webhook deliveries")
    record_audit(
        action="notifications:webhook_endpoint:disabled",
        target=endpoint,
        actor=actor,
        reason=str(because.label),
    )
    kind = notices.ENDPOINT_GONE if because == DisabledBecause.GONE else notices.ENDPOINT_FAILING
    message = Message(
        kind=kind.name,
        dedupe_key=f"webhooks:{endpoint.pk}:disabled:{endpoint.updated_at.isoformat()}",
        url=reverse(ENDPOINT_ROUTE, args=[endpoint.public_id]),
        context={"url": endpoint.url},
    )
    notify_members(organization=endpoint.organization, permission=MANAGE_WEBHOOKS, message=message)


def disable(endpoint: WebhookEndpoint, because: DisabledBecause) -> None:
    """Stop an endpoint, whose row the caller has locked: what was on its way is given up and can be replayed."""
    endpoint.status = EndpointStatus.DISABLED
    endpoint.disabled_because = because
    endpoint.save(update_fields=["status", "disabled_because", "updated_at"])
    WebhookDelivery.objects.filter(endpoint=endpoint, status__in=OPEN_STATUSES).update(
        status=DeliveryStatus.EXHAUSTED, next_attempt_at=None
    )

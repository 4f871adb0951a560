"""Making due deliveries: claim, call, note; at least once each, a few at a time.

Claims and notes are short transactions of the calling thread; the calls themselves run in a small pool of threads
that touch no table. An endpoint has at most two calls under way, so a slow one holds up nobody but itself.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from apps.core import clock
from apps.core.exceptions import UnsafeUrl
from apps.core.http_client import Answer, fetch
from apps.core.redaction import redact_text
from apps.notifications.constants import (
    CALL_TIMEOUT_S,
    CALLS_AT_ONCE,
    CALLS_AT_ONCE_PER_ENDPOINT,
    CLAIM_LEASE,
    EXCERPT_MAX_BYTES,
    RUN_TIME_LIMIT_S,
)
from apps.notifications.enums import OPEN_STATUSES, EndpointStatus
from apps.notifications.models import WebhookAttempt, WebhookDelivery
from apps.notifications.services.outcomes import Outcome, note_outcome
from apps.notifications.signing import SIGNATURE_HEADER, body_of, signed_headers, valid_secrets

CLAIM_LOCK_ID: Final = 7_340_115
# Per endpoint as many due deliveries as it has free slots, the longest due first.
_CLAIM: Final = """
    SELECT due.id
    FROM notifications_webhookendpoint endpoint
    CROSS JOIN LATERAL (
        SELECT delivery.id, delivery.next_attempt_at
        FROM notifications_webhookdelivery delivery
        WHERE delivery.endpoint_id = endpoint.id
          AND delivery.status = ANY(%(open)s)
          AND delivery.next_attempt_at <= %(now)s
          AND (delivery.claimed_until IS NULL OR delivery.claimed_until <= %(now)s)
        ORDER BY delivery.next_attempt_at, delivery.id
        LIMIT greatest(0, %(slots)s - (
            SELECT count(*) FROM notifications_webhookdelivery busy
            WHERE busy.endpoint_id = endpoint.id
              AND busy.status = ANY(%(open)s) AND busy.claimed_until > %(now)s
        ))
        FOR UPDATE SKIP LOCKED
    ) due
    WHERE endpoint.status = %(active)s
    ORDER BY due.next_attempt_at, due.id
    LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class _Call:
    """Everything that a thread needs to call an endpoint."""

    attempt: WebhookAttempt
    url: str
    headers: dict[str, str]
    body: bytes


def deliver_due(*, time_limit_s: float = RUN_TIME_LIMIT_S) -> dict[str, int]:
    """Make what is due until nothing is left or the time is over; return how many succeeded and failed.

    Any number of these may run at once.
    """
    ends_at = time.monotonic() + time_limit_s
    counts = {"succeeded": 0, "failed": 0}
    with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE, thread_name_prefix="webhooks") as pool:
        while time.monotonic() < ends_at:
            calls = claim_due(limit=CALLS_AT_ONCE)
            if not calls:
                break
            running: dict[Future[Outcome], _Call] = {
                pool.submit(_make, call): call for call in calls
            }
            for future in as_completed(running):
                outcome = future.result()
                note_outcome(attempt=running[future].attempt, outcome=outcome)
                counts["succeeded" if outcome.is_success else "failed"] += 1
    return counts


@transaction.atomic
def claim_due(*, limit: int) -> list[_Call]:
    """Take due deliveries in hand for a minute, write down the attempts that begin, and return the calls."""
    now = clock.now()
    with connection.cursor() as cursor:
        # One claim at a time, so that the limit per endpoint holds however many workers run.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK_ID])
        cursor.execute(
            _CLAIM,
            {
                "now": now,
                "open": list(OPEN_STATUSES),
                "slots": CALLS_AT_ONCE_PER_ENDPOINT,
                "active": EndpointStatus.ACTIVE,
                "limit": limit,
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return []
    WebhookDelivery.objects.filter(pk__in=ids).update(
        claimed_until=now + CLAIM_LEASE,
        attempts_made=F("attempts_made") + 1,
        attempts_left=F("attempts_left") - 1,
    )
    rows = WebhookDelivery.objects.filter(pk__in=ids).select_related("endpoint", "event")
    calls = [_prepare(row, now) for row in rows.order_by("next_attempt_at", "id")]
    WebhookAttempt.objects.bulk_create(call.attempt for call in calls)
    return calls


def _prepare(delivery: WebhookDelivery, now: datetime) -> _Call:
    body = body_of(delivery.event, delivery.endpoint)
    headers = {
        "content-type": "application/json",
        "user-agent": f"{settings.MARKETPLACE_NAME}-Webhooks/1".replace(" ", "-"),
        **signed_headers(
            message_id=delivery.event.public_id,
            body=body,
            secrets_=valid_secrets(delivery.endpoint, at=now),
            at=now,
        ),
    }
    kept = {name: value for name, value in headers.items() if name != SIGNATURE_HEADER}
    attempt = WebhookAttempt(
        delivery=delivery, number=delivery.attempts_made, started_at=now, request_headers=kept
    )
    return _Call(attempt=attempt, url=delivery.endpoint.url, headers=headers, body=body)


def _make(call: _Call) -> Outcome:
    """Call the endpoint; whatever goes wrong is an outcome."""
    started = time.monotonic()
    answer: Answer | None = None
    error = ""
    try:
        answer = fetch(
            "POST",
            call.url,
            headers=call.headers,
            body=call.body,
            timeout_s=CALL_TIMEOUT_S,
            total_s=CALL_TIMEOUT_S,
        )
    except UnsafeUrl as refusal:
        error = str(refusal.detail)
    except (httpx.HTTPError, ValueError, OSError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    return Outcome(
        response_status=answer.status if answer else None,
        response_excerpt=_excerpt(answer.body) if answer else "",
        error=redact_text(error)[:300],
        duration_ms=round((time.monotonic() - started) * 1000),
    )


def _excerpt(body: bytes) -> str:
    # PostgreSQL's text holds no NUL.
    return (
        body[:EXCERPT_MAX_BYTES]
        .decode("utf-8", "replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )

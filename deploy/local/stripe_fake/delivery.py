"""Sends signed webhooks, at least once, with retries that survive a restart."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from http import HTTPStatus

import stripe

from deploy.local.stripe_fake.events import DEFAULT_ENDPOINT_ID, SECRET_VARIABLE
from deploy.local.stripe_fake.shapes import render
from deploy.local.stripe_fake.store import Store

logger = logging.getLogger(__name__)

TIMEOUT_S = 20
STOP_TIMEOUT_S = 3
IDLE_POLL_S = 0.5
MAX_ATTEMPTS = 16
MAX_BACKOFF_S = 60.0


class Courier(threading.Thread):
    """One thread that delivers what is due, in order of time."""

    def __init__(self, store: Store, *, retry_base_s: float = 1.0) -> None:
        """Prepare the thread; `retry_base_s` is the first pause, doubled at each failure."""
        super().__init__(name="webhook-courier", daemon=True)
        self._store = store
        self._retry_base_s = retry_base_s
        self._wake = threading.Event()
        self._stopping = threading.Event()
        # Stripe's endpoints are called directly: a proxy of the environment is for others.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._wake.set()

    def stop(self) -> None:
        """End after the delivery under way; one that hangs is sent again after the next start."""
        self._stopping.set()
        self._wake.set()
        self.join(STOP_TIMEOUT_S)

    def run(self) -> None:
        """Deliver until stopped."""
        while not self._stopping.is_set():
            due = self._next_due()
            if due is not None:
                self._deliver(due)
                continue
            self._wake.wait(self._pause_s())
            self._wake.clear()

    def _next_due(self) -> sqlite3.Row | None:
        if self._store.setting("webhooks", {}).get("paused"):
            return None
        rows = self._store.rows(
            "SELECT * FROM delivery WHERE state = 'pending' AND due_at <= ?"
            " ORDER BY due_at, id LIMIT 1",
            time.time(),
        )
        return rows[0] if rows else None

    def _pause_s(self) -> float:
        rows = self._store.rows("SELECT min(due_at) AS at FROM delivery WHERE state = 'pending'")
        due_at = rows[0]["at"]
        return IDLE_POLL_S if due_at is None else min(IDLE_POLL_S, max(0.01, due_at - time.time()))

    def _deliver(self, delivery: sqlite3.Row) -> None:
        event = self._store.find("event", delivery["event_id"])
        if event is None:  # The store was reset between the two reads.
            return
        status, failure = self._post(delivery, json.dumps(render(event), indent=2))
        attempts = delivery["attempts"] + 1
        delivered = status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        if delivered:
            state = "delivered"
        else:
            state = "pending" if attempts < MAX_ATTEMPTS else "failed"
            logger.info("Webhook %s: %s", delivery["event_id"], failure or status)
        pause_s = min(MAX_BACKOFF_S, self._retry_base_s * 2 ** (attempts - 1))
        with self._store.transaction():
            self._store.rows(
                "UPDATE delivery SET attempts = ?, state = ?, last_status = ?, last_error = ?,"
                " due_at = ? WHERE id = ?",
                attempts,
                state,
                status,
                failure,
                time.time() + pause_s,
                delivery["id"],
            )
            if delivered and event["pending_webhooks"]:
                self._store.save(event | {"pending_webhooks": event["pending_webhooks"] - 1})

    def _post(self, delivery: sqlite3.Row, payload: str) -> tuple[int | None, str | None]:
        """Send once and return (status, failure); redirects count as failures, as at Stripe."""
        request = urllib.request.Request(  # noqa: S310 -- http(s) only, checked at registration
            delivery["url"],
            data=payload.encode(),
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                "Stripe-Signature": sign(payload, self._secret(delivery["endpoint_id"])),
            },
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return response.status, None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
        except OSError as error:
            return None, str(error)

    def _secret(self, endpoint_id: str) -> str:
        if endpoint_id == DEFAULT_ENDPOINT_ID:
            return os.environ.get(SECRET_VARIABLE, "")
        endpoint = self._store.find("webhook_endpoint", endpoint_id)
        return endpoint["_secret"] if endpoint else ""


def sign(payload: str, secret: str, timestamp: int | None = None) -> str:
    """Return the `Stripe-Signature` header of a payload."""
    at = int(time.time()) if timestamp is None else timestamp
    signature = stripe.WebhookSignature._compute_signature(  # noqa: SLF001 -- the SDK's own
        f"{at}.{payload}", secret
    )
    return f"t={at},v1={signature}"

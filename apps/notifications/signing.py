"""Secrets, bodies and signatures of webhooks, as Standard Webhooks lays them down.

Source: https://www.standardwebhooks.com; docs/api/webhooks.md.
"""

from __future__ import annotations

import base64
import json
import secrets
from datetime import datetime
from typing import Any, Final

from standardwebhooks import Webhook

from apps.core.ids import format_public_id
from apps.notifications.constants import SECRET_BYTES
from apps.notifications.models import WebhookEndpoint, WebhookEvent

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- how a secret begins, not one
ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"


def new_secret() -> str:
    """Return a new secret, `whsec_` and the base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def valid_secrets(endpoint: WebhookEndpoint, *, at: datetime) -> list[str]:
    """Return the secrets that sign at an instant: the present one, and the one before during its grace."""
    ends_at = endpoint.previous_secret_expires_at
    is_in_grace = endpoint.previous_secret and ends_at is not None and at < ends_at
    return [endpoint.secret, endpoint.previous_secret] if is_in_grace else [endpoint.secret]


def body_of(event: WebhookEvent, endpoint: WebhookEndpoint) -> bytes:
    """Return what is sent: the same bytes at every attempt."""
    return json.dumps(
        payload_of(event, endpoint), separators=(",", ":"), ensure_ascii=False
    ).encode()


def payload_of(event: WebhookEvent, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return what is sent, before it becomes JSON."""
    return {
        "type": event.type,
        "timestamp": event.occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "api_version": endpoint.api_version,
        "organization_id": format_public_id("org", event.organization_id),
        "data": event.data,
    }


def signed_headers(
    *, message_id: str, body: bytes, secrets_: list[str], at: datetime
) -> dict[str, str]:
    """Return the three headers of the convention; several signatures are separated by spaces."""
    signatures = [
        Webhook(secret).sign(msg_id=message_id, timestamp=at, data=body.decode())
        for secret in secrets_
    ]
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(int(at.timestamp())),
        SIGNATURE_HEADER: " ".join(signatures),
    }

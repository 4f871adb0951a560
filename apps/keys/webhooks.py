"""What a consumer's own programs hear about its keys; never a key itself."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from apps.core.events import receives
from apps.core.ids import format_public_id, uuid7
from apps.keys.enums import LeakOutcome
from apps.keys.events import (
    KeyActivated,
    KeyEvent,
    KeyExpired,
    KeyExpiring,
    KeyLeaked,
    KeyRenewed,
    KeyRevoked,
    KeyRotated,
    KeyRotationDue,
)
from apps.keys.models import ApiKey
from apps.notifications.webhooks import WebhookEventType, publish_webhook

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "key_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "subscription_id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1r",
    "name": "Server",
    "masked": "tgk_live_Ab3d…9xYz",
}
ACTIVATED: Final = WebhookEventType(
    "key.activated", _("The gateway knows a key: calls with it pass."), _EXAMPLE
)
ROTATED: Final = WebhookEventType(
    "key.rotated",
    _("A key got a successor; both are valid until the grace is over."),
    {**_EXAMPLE, "successor_id": "key_01jd0zq6f8e9xvgq0t4f3m2n1s", "is_automatic": False},
)
REVOKED: Final = WebhookEventType(
    "key.revoked", _("A key was revoked."), {**_EXAMPLE, "reason": "leaked"}
)
EXPIRED: Final = WebhookEventType("key.expired", _("The term of a key is over."), _EXAMPLE)
EXPIRING: Final = WebhookEventType(
    "key.expiring",
    _("A key ends in 7, 3 or 1 days."),
    {**_EXAMPLE, "expires_at": "2026-12-01T00:00:00+00:00", "days_before": 7},
)
RENEWED: Final = WebhookEventType(
    "key.renewed",
    _("A key that would have ended got another term."),
    {**_EXAMPLE, "expires_at": "2027-03-01T00:00:00+00:00"},
)
ROTATION_DUE: Final = WebhookEventType(
    "key.rotation_due",
    _("A key is replaced by itself in 7 days or 1 day."),
    {**_EXAMPLE, "rotates_at": "2026-12-01T00:00:00+00:00", "days_before": 7},
)
LEAKED: Final = WebhookEventType(
    "key.leaked",
    _(
        "A key was found in public; it was revoked, or its owner was told, as the organization chose."
    ),
    {
        **_EXAMPLE,
        "outcome": "revoked",
        "source": "content",
        "url": "https://github.com/example/shop/blob/main/settings.py",
    },
)
ALL: Final = (ACTIVATED, ROTATED, REVOKED, EXPIRED, EXPIRING, RENEWED, ROTATION_DUE, LEAKED)


@receives(KeyActivated, in_transaction=True)
def publish_activation(event: KeyActivated) -> None:
    """Tell that calls pass."""
    _publish(ACTIVATED, event)


@receives(KeyRotated, in_transaction=True)
def publish_rotation(event: KeyRotated) -> None:
    """Tell which key follows."""
    successor_id = format_public_id(ApiKey.id_prefix, event.successor_id)
    _publish(ROTATED, event, successor_id=successor_id, is_automatic=event.is_automatic)


@receives(KeyRevoked, in_transaction=True)
def publish_revocation(event: KeyRevoked) -> None:
    """Tell that the key is not served any more, and why."""
    _publish(REVOKED, event, reason=event.reason)


@receives(KeyExpired, in_transaction=True)
def publish_expiry(event: KeyExpired) -> None:
    """Tell that the term is over."""
    _publish(EXPIRED, event)


@receives(KeyExpiring, in_transaction=True)
def publish_coming_expiry(event: KeyExpiring) -> None:
    """Tell when the key ends."""
    at = event.expires_at.isoformat()
    _publish(EXPIRING, event, expires_at=at, days_before=event.days_before)


@receives(KeyRenewed, in_transaction=True)
def publish_renewal(event: KeyRenewed) -> None:
    """Tell the key's new end."""
    _publish(RENEWED, event, expires_at=event.expires_at.isoformat())


@receives(KeyRotationDue, in_transaction=True)
def publish_coming_rotation(event: KeyRotationDue) -> None:
    """Tell when the key is replaced."""
    at = event.rotates_at.isoformat()
    _publish(ROTATION_DUE, event, rotates_at=at, days_before=event.days_before)


@receives(KeyLeaked, in_transaction=True)
def publish_leak(event: KeyLeaked) -> None:
    """Tell where the key was found, unless it had ended before."""
    if event.outcome != LeakOutcome.ENDED:
        _publish(LEAKED, event, outcome=event.outcome, source=event.source, url=event.url)


def _publish(kind: WebhookEventType, event: KeyEvent, **words: Any) -> None:
    key = ApiKey.objects.select_related("organization", "subscription").get(pk=event.key_id)
    data = {
        "id": key.public_id,
        "subscription_id": key.subscription.public_id,
        "name": key.name,
        "masked": key.masked,
        **words,
    }
    publish_webhook(
        organization=key.organization,
        event_type=kind.name,
        data=data,
        # Committed with the change or not at all: nothing can tell it a second time.
        dedupe_key=str(uuid7()),
    )

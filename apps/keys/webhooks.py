"""What a consumer's own programs hear about its keys; never a key itself."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from apps.core.events import receives
from apps.core.ids import format_public_id, uuid7
from apps.keys.events import KeyActivated, KeyEvent, KeyExpired, KeyRevoked, KeyRotated
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
    {**_EXAMPLE, "successor_id": "key_01jd0zq6f8e9xvgq0t4f3m2n1s"},
)
REVOKED: Final = WebhookEventType(
    "key.revoked", _("A key was revoked."), {**_EXAMPLE, "reason": "leaked"}
)
EXPIRED: Final = WebhookEventType("key.expired", _("The term of a key is over."), _EXAMPLE)
ALL: Final = (ACTIVATED, ROTATED, REVOKED, EXPIRED)


@receives(KeyActivated, in_transaction=True)
def publish_activation(event: KeyActivated) -> None:
    """Tell that calls pass."""
    _publish(ACTIVATED, event)


@receives(KeyRotated, in_transaction=True)
def publish_rotation(event: KeyRotated) -> None:
    """Tell which key follows."""
    successor_id = format_public_id(ApiKey.id_prefix, event.successor_id)
    _publish(ROTATED, event, successor_id=successor_id)


@receives(KeyRevoked, in_transaction=True)
def publish_revocation(event: KeyRevoked) -> None:
    """Tell that the key is not served any more, and why."""
    _publish(REVOKED, event, reason=event.reason)


@receives(KeyExpired, in_transaction=True)
def publish_expiry(event: KeyExpired) -> None:
    """Tell that the term is over."""
    _publish(EXPIRED, event)


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

"""What keys do when something happens: an ended subscription takes its keys along."""

from __future__ import annotations

from apps.core.actors import Actor
from apps.core.events import receives
from apps.keys import services
from apps.keys.enums import AlertKind
from apps.keys.events import KeyIssued, KeyRotated
from apps.subscriptions.events import (
    SubscriptionCancelled,
    SubscriptionDeclined,
    SubscriptionEvent,
    SubscriptionExpired,
)

WATCH = Actor.system("suspicion alerts")


@receives(SubscriptionCancelled, in_transaction=True)
def revoke_after_cancellation(event: SubscriptionCancelled) -> None:
    """Revoke the keys in the transaction that cancels."""
    _revoke_all(event, "the subscription was cancelled")


@receives(SubscriptionExpired, in_transaction=True)
def revoke_after_expiry(event: SubscriptionExpired) -> None:
    """Revoke the keys in the transaction that expires."""
    _revoke_all(event, "the subscription expired")


@receives(SubscriptionDeclined, in_transaction=True)
def revoke_after_refusal(event: SubscriptionDeclined) -> None:
    """A declined subscription never had keys; this holds should that change."""
    _revoke_all(event, "the subscription was declined")


@receives(KeyIssued)
def look_at_new_keys(event: KeyIssued) -> None:
    """Notice an organization that makes unusually many keys."""
    services.look_for_suspicion(
        organization_id=event.organization_id, kind=AlertKind.CREATED, actor=WATCH
    )


@receives(KeyRotated)
def look_at_rotations(event: KeyRotated) -> None:
    """Notice an organization that rotates unusually many keys by hand."""
    if not event.is_automatic:
        services.look_for_suspicion(
            organization_id=event.organization_id, kind=AlertKind.ROTATED, actor=WATCH
        )


def _revoke_all(event: SubscriptionEvent, reason: str) -> None:
    services.revoke_keys_of_subscription(
        subscription_id=event.subscription_id, actor=Actor.system(reason), reason=reason
    )

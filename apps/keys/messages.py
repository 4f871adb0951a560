"""Who is told what about keys: the people who may manage them; of suspicion, those who manage people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.urls import reverse

from apps.core.events import receives
from apps.keys import notices
from apps.keys.enums import AlertKind, LeakOutcome
from apps.keys.events import (
    KeyAlertRaised,
    KeyExpiring,
    KeyLeaked,
    KeyRenewed,
    KeyRotated,
    KeyRotationDue,
)
from apps.keys.models import ApiKey, KeyAlert
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify_members

MANAGERS_OF_KEYS: Final = "keys.manage"
MANAGERS_OF_PEOPLE: Final = "members.manage"
UNKNOWN_PLACE: Final = "–"


@receives(KeyExpiring)
def tell_of_expiry(event: KeyExpiring) -> None:
    """Tell that a key ends."""
    fact = f"{event.expires_at.isoformat()}:{event.days_before}"
    _tell(notices.EXPIRING, event.key_id, fact, date=_date(event.expires_at))


@receives(KeyRenewed)
def tell_of_renewal(event: KeyRenewed) -> None:
    """Tell that a key got another term."""
    fact = event.expires_at.isoformat()
    _tell(notices.RENEWED, event.key_id, fact, date=_date(event.expires_at))


@receives(KeyRotationDue)
def tell_of_rotation_to_come(event: KeyRotationDue) -> None:
    """Tell that a key is replaced by itself."""
    fact = f"{event.rotates_at.isoformat()}:{event.days_before}"
    _tell(notices.ROTATION_DUE, event.key_id, fact, date=_date(event.rotates_at))


@receives(KeyRotated)
def tell_of_automatic_rotation(event: KeyRotated) -> None:
    """Tell where the new key can be read, and until when; who rotates by hand knows."""
    if event.is_automatic:
        old = _key(event.key_id)
        _tell(
            notices.ROTATED,
            event.successor_id,
            "",
            masked=old.masked,
            date=_date(old.rotation_out.grace_ends_at),
        )


@receives(KeyLeaked)
def tell_of_leak(event: KeyLeaked) -> None:
    """Tell where a key was found and what was done; nothing of a key that had ended before."""
    if event.outcome != LeakOutcome.ENDED:
        is_revoked = event.outcome == LeakOutcome.REVOKED
        kind = notices.LEAK_REVOKED if is_revoked else notices.LEAKED
        place = event.url or event.source or UNKNOWN_PLACE
        _tell(kind, event.key_id, str(event.leak_id), url=place)


@receives(KeyAlertRaised)
def tell_of_suspicion(event: KeyAlertRaised) -> None:
    """Tell owners and administrators that somebody makes or rotates many keys."""
    alert = KeyAlert.objects.select_related("organization").get(pk=event.alert_id)
    is_created = alert.kind == AlertKind.CREATED
    kind = notices.MANY_CREATED if is_created else notices.MANY_ROTATED
    notify_members(
        organization=alert.organization,
        permission=MANAGERS_OF_PEOPLE,
        message=Message(
            kind=kind.name,
            dedupe_key=f"{kind.name}:{alert.pk}",
            url=reverse("portal:security"),
            context={"count": alert.count},
        ),
    )


def _tell(kind: NotificationKind, key_id: UUID, fact: str, **context: str) -> None:
    key = _key(key_id)
    names = {"name": key.name, "masked": key.masked, "api": key.subscription.api.name}
    notify_members(
        organization=key.organization,
        permission=MANAGERS_OF_KEYS,
        message=Message(
            kind=kind.name,
            dedupe_key=f"{kind.name}:{key_id}:{fact}",
            url=reverse("portal:key", args=[key.public_id]),
            context={**names, **context},
        ),
    )


def _key(key_id: UUID) -> ApiKey:
    rows = ApiKey.objects.select_related("organization", "subscription__api", "rotation_out")
    return rows.get(pk=key_id)


def _date(instant: datetime) -> str:
    """Write an instant the same in every language: what is stored is read in whatever language its reader has then."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")

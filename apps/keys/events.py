"""What happens to keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEvent(DomainEvent):
    """What every event of a key tells."""

    key_id: UUID
    subscription_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyIssued(KeyEvent):
    """A new key waits for the gateway's proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanged(KeyEvent):
    """State, limits or expiry of a key changed; the gateway must hear of it."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyActivated(KeyEvent):
    """Every authorizer knows the key: calls pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySyncFailed(KeyEvent):
    """The gateway did not prove the key in time; it is tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySyncRetried(KeyEvent):
    """Somebody wants the key brought to the gateway again at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotated(KeyEvent):
    """A key got a successor. `is_automatic`: a job made it, so nobody has seen it yet."""

    successor_id: UUID
    is_automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked(KeyEvent):
    """The key must not be served any more."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExpired(KeyEvent):
    """The key's term is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExpiring(KeyEvent):
    """The key ends soon; told once for each of `days_before`. Times are the account's business time."""

    expires_at: datetime
    days_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotationDue(KeyEvent):
    """The key is replaced by itself soon; told once for each of `days_before`."""

    rotates_at: datetime
    days_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRenewed(KeyEvent):
    """The key would have ended; it got another term."""

    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLeaked(KeyEvent):
    """The key was found in public. `outcome` is a `LeakOutcome`."""

    leak_id: UUID
    url: str
    source: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAlertRaised(DomainEvent):
    """An organization makes or rotates unusually many keys."""

    alert_id: UUID
    organization_id: UUID

"""What happens to keys."""

from __future__ import annotations

from dataclasses import dataclass
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
class KeyRotated(KeyEvent):
    """A key got a successor."""

    successor_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked(KeyEvent):
    """The key must not be served any more."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExpired(KeyEvent):
    """The key's term is over."""

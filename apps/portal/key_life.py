"""What a key's page says of its life: when it is replaced, when it ends, and whether its text can still be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.core import clock
from apps.core.formatting import format_relative
from apps.keys.enums import ENDED_STATUSES, KeyStatus
from apps.keys.models import ApiKey
from apps.keys.rotation_terms import effective_days


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLifeView:
    """Dates of a key by its account's clock, and how far away they are in words. None where nothing will happen."""

    rotation_days: int | None
    rotates_at: datetime | None
    rotates_in: str
    ends_at: datetime | None
    ends_in: str
    is_renewed: bool
    unread_until: datetime | None
    is_living: bool


def life_of(key: ApiKey) -> KeyLifeView:
    """Return the life of a key that a selector returned."""
    now, plan = clock.business_now(key.organization), key.subscription.plan
    is_over = key.status in ENDED_STATUSES
    is_living = not is_over and key.status != KeyStatus.ROTATING
    ends_at = key.rotation_out.grace_ends_at if key.status == KeyStatus.ROTATING else key.expires_at
    rotates_at = key.rotates_at if is_living else None
    if rotates_at and ends_at and ends_at <= rotates_at and not key.auto_renew:
        rotates_at = None  # it ends before
    unread_until: datetime | None = getattr(key, "readable_until", None)
    return KeyLifeView(
        rotation_days=effective_days(plan, key.rotation_days) if rotates_at else None,
        rotates_at=rotates_at,
        rotates_in=_until(rotates_at, now),
        ends_at=ends_at,
        ends_in="" if is_over else _until(ends_at, now),
        is_renewed=is_living and key.auto_renew,
        unread_until=unread_until if unread_until and unread_until > now and not is_over else None,
        is_living=is_living,
    )


def _until(instant: datetime | None, now: datetime) -> str:
    return "" if instant is None or instant <= now else format_relative(instant, now)

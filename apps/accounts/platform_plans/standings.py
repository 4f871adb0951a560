"""Which of the platform's plans an organization has: from Valkey, else from its row.

What is kept is the row's two columns; what they allow is read from the file each time, so a change of either holds
everywhere at once. Who changes the row writes the new value after the commit; a reader only fills a gap, and so can
never put an older value over it. Without Valkey every lookup reads the row.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from apps.accounts.models import Organization
from apps.accounts.platform_plans.definitions import PlatformPlan
from apps.accounts.platform_plans.registry import current_plans, default_plan
from apps.core import clock

KEPT_S: Final = 300
_STORE_AWAY: Final = (RedisError, ConnectionInterrupted)
_Row = tuple[str, datetime | None]


@dataclass(frozen=True, slots=True)
class Standing:
    """The plan that holds; `lapsed` is the one that was given and has run out; `until` is when it does."""

    plan: PlatformPlan
    is_given: bool = False
    until: datetime | None = None
    lapsed: PlatformPlan | None = None


def standing_of(organization_id: UUID) -> Standing:
    """Return what holds for an organization now; no query while Valkey knows it.

    Raises:
        Organization.DoesNotExist: there is none.
    """
    key = _key(organization_id)
    kept: _Row | None = None
    with suppress(*_STORE_AWAY):
        kept = cache.get(key)
    if kept is None:
        kept = _read(organization_id)
        with suppress(*_STORE_AWAY):
            cache.add(key, kept, timeout=KEPT_S)
    return _standing(*kept)


def standing_of_row(organization: Organization) -> Standing:
    """Return what a row that was just read says."""
    return _standing(organization.platform_plan, organization.platform_plan_until)


def remember(organization_id: UUID) -> None:
    """Put what the row says now before every process; to be called after a change is committed."""
    with suppress(*_STORE_AWAY):
        cache.set(_key(organization_id), _read(organization_id), timeout=KEPT_S)


def _standing(name: str, until: datetime | None) -> Standing:
    plan = current_plans().find(name) if name else None
    if plan is None:  # none was given, or the file has lost it
        return Standing(default_plan())
    if until is not None and until <= clock.now():
        return Standing(current_plans().smallest, until=until, lapsed=plan)
    return Standing(plan, is_given=True, until=until)


def _read(organization_id: UUID) -> _Row:
    rows = Organization.objects.values_list("platform_plan", "platform_plan_until")
    name, until = rows.get(pk=organization_id)
    return name, until


def _key(organization_id: UUID) -> str:
    return f"platform-plan:{organization_id}"

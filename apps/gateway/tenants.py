"""What the registry should hold about an organization as a whole: stopped, throttled, or as everybody.

The settings' `DEFAULT_TENANT_LIMITS` are one entry, `tenant:*`, which authorizers take for every organization without an
entry of its own. An organization that is throttled has its own entry, in which the tighter limit of each window stands.

Source: docs/architecture/gateway.md §3, §4; docs/operations/noisy-tenant.md.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings

from apps.accounts.models import Organization
from apps.gateway import entries
from apps.gateway.entry_payloads import MINUTE, SECOND, WantedEntry
from apps.gateway.enums import EntryKind
from apps.gateway.models import TenantThrottle

# Stands for all organizations among the subjects of entries.
EVERYBODY: Final = UUID(int=0)


def wanted_tenant(organization: Organization) -> WantedEntry:
    """Return what holds for an organization as a whole; absent unless it is stopped or throttled."""
    entry, refresh_at = None, None
    if not organization.is_active:
        entry = entries.Tenant(state="suspended")
    else:
        throttle = TenantThrottle.objects.holding().filter(organization=organization).first()
        if throttle is not None:
            entry, refresh_at = entries.Tenant(limits=throttled_limits(throttle)), throttle.ends_at
    return WantedEntry(
        kind=EntryKind.TENANT,
        key=organization.public_id,
        subject_id=organization.pk,
        entry=entry,
        refresh_at=refresh_at,
    )


def wanted_default_tenant() -> WantedEntry:
    """Return the entry for every organization without one; absent where the settings limit nobody."""
    limits = default_limits()
    return WantedEntry(
        kind=EntryKind.TENANT,
        key=entries.EVERY_TENANT,
        subject_id=EVERYBODY,
        entry=entries.Tenant(limits=limits) if limits else None,
    )


def default_limits() -> tuple[entries.RateLimit, ...]:
    """Return what the settings allow every organization."""
    found = settings.DEFAULT_TENANT_LIMITS
    return _limits("tenant-second", found["per_second"], "tenant-minute", found["per_minute"])


def throttled_limits(throttle: TenantThrottle) -> tuple[entries.RateLimit, ...]:
    """Return a throttle's limits over those of everybody; of one window the tighter counts."""
    own = _limits(
        "throttle", throttle.calls_per_second, "throttle-minute", throttle.calls_per_minute
    )
    by_window = {limit.window_s: limit for limit in default_limits()}
    for limit in own:
        held = by_window.get(limit.window_s)
        if held is None or limit.max <= held.max:
            by_window[limit.window_s] = limit
    return tuple(by_window[window_s] for window_s in sorted(by_window))


def _limits(
    second: str, per_second: int | None, minute: str, per_minute: int | None
) -> tuple[entries.RateLimit, ...]:
    rows = ((second, per_second, SECOND), (minute, per_minute, MINUTE))
    return tuple(
        entries.RateLimit(name=name, max=most, window_s=window_s)
        for name, most, window_s in rows
        if most is not None
    )

"""How much of each limit an organization uses; the apps above say so for what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from apps.accounts.enums import PlatformLimit
from apps.accounts.models import Membership, Organization, Workspace
from apps.core import clock

Counter = Callable[[UUID], int]
_counters: Final[dict[PlatformLimit, Counter]] = {}


def register_counter(limit: PlatformLimit, counter: Counter) -> None:
    """Say how much of a limit an organization uses; called in `AppConfig.ready`."""
    _counters[limit] = counter


def used_of(organization_id: UUID, limit: PlatformLimit) -> int:
    """Return how much of a limit is used."""
    return _counters[limit](organization_id)


def count_members(organization_id: UUID) -> int:
    """Count members, and the invitations that could make more of them."""
    organization = Organization(pk=organization_id)
    open_invitations = organization.invitations.filter(
        accepted_at=None, revoked_at=None, expires_at__gt=clock.now()
    )
    members = Membership.objects.filter(organization_id=organization_id)
    return members.count() + open_invitations.count()


def count_workspaces(organization_id: UUID) -> int:
    """Count workspaces, the default one included."""
    return Workspace.objects.filter(organization_id=organization_id).count()


register_counter(PlatformLimit.MEMBERS, count_members)
register_counter(PlatformLimit.WORKSPACES, count_workspaces)

"""What keeps the last owner of an organization from leaving: apps above say what would be left without anybody.

register_deletion_blocker(DeletionBlocker(code="active_apis", text=_("…"), route="…", affected=owners_of_active_apis))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import Role
from apps.accounts.models import Membership, Organization, User

Text = str | Promise


@dataclass(frozen=True, slots=True)
class DeletionBlocker:
    """Something that must be ended first. `text` says what to do, `route` names the page where it is done.

    `affected` returns those of the given organizations' keys to which it applies, in one query.
    """

    code: str
    text: Text
    route: str
    affected: Callable[[Sequence[UUID]], Iterable[UUID]]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A blocker that applies to an organization which would have no owner any more."""

    organization: Organization
    code: str
    text: Text
    route: str


_blockers: dict[str, DeletionBlocker] = {}


def register_deletion_blocker(blocker: DeletionBlocker) -> None:
    """Keep the last owner of an organization from leaving while this applies to it.

    Raises:
        ValueError: the code is taken by another blocker.
    """
    if _blockers.get(blocker.code, blocker) != blocker:
        raise ValueError(f"deletion blocker {blocker.code!r} is registered twice")
    _blockers[blocker.code] = blocker


def obstacles_of(user: User) -> list[Obstacle]:
    """Return what a person must settle before their account can be deleted, in all organizations that only they own."""
    left = organizations_left_by(user)
    keys = [organization.pk for organization in left]
    if not keys:
        return []
    found = [
        (blocker, set(blocker.affected(keys))) for blocker in (MEMBERS_LEFT, *_blockers.values())
    ]
    return [
        Obstacle(organization, blocker.code, blocker.text, blocker.route)
        for organization in left
        for blocker, affected in found
        if organization.pk in affected
    ]


def organizations_left_by(user: User) -> list[Organization]:
    """Return the organizations that would have no active owner without this person."""
    others = Membership.objects.filter(role=Role.OWNER, user__is_active=True).exclude(user=user)
    owned = Organization.objects.filter(
        memberships__user=user, memberships__role=Role.OWNER, is_active=True
    )
    rows = owned.exclude(pk__in=others.values("organization_id"))
    return list(rows.order_by("name", "id"))


def _with_other_members(keys: Sequence[UUID]) -> Iterable[UUID]:
    rows = Membership.objects.filter(organization__in=keys, user__is_active=True)
    counted = rows.values("organization_id").annotate(people=Count("id"))
    return counted.filter(people__gt=1).values_list("organization_id", flat=True)


MEMBERS_LEFT = DeletionBlocker(
    code="members_left",
    text=_("Others work there. Make one of them an owner first."),
    route="accounts:members",
    affected=_with_other_members,
)

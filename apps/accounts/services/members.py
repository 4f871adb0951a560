"""Who works in an organization: roles, removal, and the rule that an owner always remains."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.enums import Role
from apps.accounts.events import MemberJoined, MemberRemoved
from apps.accounts.exceptions import AlreadyMember, LastOwner, OwnersOnly
from apps.accounts.models import Membership, Organization, User
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import Forbidden


@transaction.atomic
def add_member(*, organization: Organization, user: User, role: str, actor: Actor) -> Membership:
    """Make a person a member.

    Raises:
        AlreadyMember: they work there. Publishes: MemberJoined.
    """
    membership, is_new = Membership.objects.get_or_create(
        organization=organization, user=user, defaults={"role": Role(role)}
    )
    if not is_new:
        raise AlreadyMember
    record_audit(
        action="accounts:membership:created",
        target=membership,
        actor=actor,
        organization_id=organization.pk,
        after={"user": user.public_id, "role": role},
    )
    publish(MemberJoined(organization_id=organization.pk, user_id=user.pk, role=role))
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str, actor: Actor) -> Membership:
    """Give a member another role.

    Raises:
        OwnersOnly: who is not an owner makes or unmakes one.
        LastOwner: the organization would have no owner.
    """
    membership = _lock_with_owners(membership)
    before = membership.role
    require_owner_for_owner_role(actor, before, role)
    if before == Role.OWNER and role != Role.OWNER:
        _require_another_owner(membership)
    membership.role = Role(role)
    membership.save(update_fields=["role", "updated_at"])
    record_audit(
        action="accounts:membership:role_changed",
        target=membership,
        actor=actor,
        before={"role": before},
        after={"role": role},
    )
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, actor: Actor) -> None:
    """End a membership; everybody may leave by themselves.

    Raises:
        Forbidden: removing others needs `members.manage`.
        OwnersOnly: who is not an owner removes one.
        LastOwner: the organization would have no owner. Publishes: MemberRemoved.
    """
    membership = _lock_with_owners(membership)
    is_leaving = membership.user_id == actor.user_id
    if not is_leaving and not actor.can("members.manage"):
        raise Forbidden(required="members.manage")
    if not is_leaving:
        require_owner_for_owner_role(actor, membership.role)
    if membership.role == Role.OWNER:
        _require_another_owner(membership)
    record_audit(
        action="accounts:membership:removed",
        target=membership,
        actor=actor,
        before={"user_id": membership.user_id, "role": membership.role},
    )
    publish(MemberRemoved(organization_id=membership.organization_id, user_id=membership.user_id))
    membership.delete()


def require_owner_for_owner_role(actor: Actor, *roles: str) -> None:
    """Refuse an actor who handles the owner role without being an owner (or the system)."""
    if Role.OWNER in roles and not actor.can("organization.manage"):
        raise OwnersOnly


def _lock_with_owners(membership: Membership) -> Membership:
    """Lock the organization first, so that two owners cannot step down at the same time."""
    Organization.objects.lock(membership.organization_id)
    return Membership.objects.lock(membership.pk)


def _require_another_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        organization_id=membership.organization_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise LastOwner

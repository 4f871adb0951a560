"""Closing an account for good: its person asked for it, and somebody approved."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.deletion_blockers import obstacles_of, organizations_left_by
from apps.accounts.events import MemberRemoved, OrganizationChanged
from apps.accounts.exceptions import DeletionBlocked
from apps.accounts.models import Membership, Organization, User
from apps.accounts.services.users import deactivate_user
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish


def require_closable(user: User) -> None:
    """Refuse to close the account of the last owner of an organization that is still in use.

    Raises:
        DeletionBlocked: `obstacles` names each organization and what must be ended there.
    """
    found = obstacles_of(user)
    if found:
        raise DeletionBlocked(
            " ".join(f"{item.organization.name}: {item.text}" for item in found),
            obstacles=[
                {
                    "organization": item.organization.public_id,
                    "code": item.code,
                    "detail": str(item.text),
                }
                for item in found
            ],
        )


@transaction.atomic
def close_account(*, user: User, actor: Actor, reason: str) -> User:
    """Lock a person out at once and end their memberships; organizations that nobody is left to run are closed.

    The row of the person stays, so that audit rows keep naming who did what. Personal data are not purged here.

    Raises:
        DeletionBlocked: see `require_closable`.
        CannotDeactivate: one's own account.

    Publishes: MemberRemoved, OrganizationChanged, UserDeactivated.
    """
    _lock_organizations(user)
    require_closable(user)
    left = organizations_left_by(user)
    for membership in Membership.objects.filter(user=user).order_by("id"):
        _end_membership(membership, actor)
    for organization in left:
        _close_organization(organization, actor, reason)
    return deactivate_user(user=user, actor=actor, reason=reason)


def _lock_organizations(user: User) -> None:
    """Lock what the person works in, so that two owners cannot leave at the same time."""
    keys = Membership.objects.filter(user=user).values_list("organization_id", flat=True)
    for key in sorted(keys):
        Organization.objects.lock(key)


def _end_membership(membership: Membership, actor: Actor) -> None:
    record_audit(
        action="accounts:membership:removed",
        target=membership,
        actor=actor,
        before={"user_id": membership.user_id, "role": membership.role},
        reason="account closed",
    )
    publish(MemberRemoved(organization_id=membership.organization_id, user_id=membership.user_id))
    membership.delete()


def _close_organization(organization: Organization, actor: Actor, reason: str) -> None:
    organization.is_active = False
    organization.save(update_fields=["is_active", "updated_at"])
    record_audit(
        action="accounts:organization:closed",
        target=organization,
        actor=actor,
        organization_id=organization.pk,
        before={"is_active": True},
        after={"is_active": False},
        reason=reason,
    )
    publish(OrganizationChanged(organization_id=organization.pk), key=str(organization.pk))

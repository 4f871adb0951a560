"""How a signed-in person or a service token becomes an actor."""

from __future__ import annotations

from uuid import UUID

from apps.accounts.models import Membership, ServiceToken, User, Workspace
from apps.accounts.roles import permissions_of
from apps.core.actors import Actor, ActorKind


def staff_roles_of(user: User) -> frozenset[str]:
    """Return the back-office roles of a person; a superuser holds `superuser`."""
    if not (user.is_active and user.is_staff):
        return frozenset()
    roles = set(user.groups.values_list("name", flat=True))
    if user.is_superuser:
        roles.add("superuser")
    return frozenset(roles)


def actor_for_user(
    user: User,
    *,
    organization_id: UUID | str | None = None,
    workspace_id: UUID | str | None = None,
    ip: str = "",
    user_agent: str = "",
) -> Actor:
    """Return a person as an actor in one of their organizations.

    The wanted organization counts only if the person is a member of it; else their first one is taken. The
    same holds for the workspace within it, whose default one is the fallback.
    """
    memberships = list(
        Membership.objects.filter(user=user, organization__is_active=True)
        .select_related("organization")
        .order_by("created_at")
    )
    wanted = [item for item in memberships if str(item.organization_id) == str(organization_id)]
    membership = next(iter(wanted or memberships), None)
    return Actor(
        kind=ActorKind.USER,
        label=user.get_full_name(),
        user_id=user.pk,
        organization_id=membership.organization_id if membership else None,
        workspace_id=_workspace_of(membership, workspace_id) if membership else None,
        permissions=permissions_of(membership.role) if membership else frozenset(),
        staff_roles=staff_roles_of(user),
        ip=ip,
        user_agent=user_agent,
        api_tier=membership.organization.api_tier if membership else "",
    )


def _workspace_of(membership: Membership, wanted: UUID | str | None) -> UUID | None:
    workspaces = Workspace.objects.filter(organization_id=membership.organization_id)
    ids = list(workspaces.order_by("-is_default", "created_at").values_list("pk", flat=True))
    return next((pk for pk in ids if str(pk) == str(wanted)), ids[0] if ids else None)


def actor_for_token(token: ServiceToken, *, ip: str = "", user_agent: str = "") -> Actor:
    """Return a service token as an actor in its own organization and workspace."""
    return Actor(
        kind=ActorKind.SERVICE_TOKEN,
        label=token.name,
        token_id=token.pk,
        organization_id=token.organization_id,
        workspace_id=token.workspace_id,
        permissions=frozenset(token.permissions),
        ip=ip,
        user_agent=user_agent,
        api_tier=token.organization.api_tier if token.organization else "",
    )

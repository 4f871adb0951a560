"""What pages and endpoints read about people and organizations."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.credentials import digest_of
from apps.accounts.enums import Role
from apps.accounts.models import (
    Invitation,
    Membership,
    Organization,
    ServiceToken,
    User,
    Workspace,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.models import AuditEvent
from apps.core.querysets import TenantQuerySet


def _tenant_of(actor: Actor) -> UUID:
    if actor.organization_id is None:
        raise NotFound
    return actor.organization_id


def get_user(actor: Actor) -> User:
    """Return the person behind the actor.

    Raises:
        NotFound: a service token or the system acts.
    """
    user = User.objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if user is None:
        raise NotFound
    return user


def get_current_organization(actor: Actor) -> Organization:
    """Return the organization that the actor works in.

    Raises:
        NotFound: the actor works in none.
    """
    organization = Organization.objects.filter(pk=_tenant_of(actor)).first()
    if organization is None:
        raise NotFound
    return organization


def own_memberships(actor: Actor) -> TenantQuerySet[Membership]:
    """List where the actor works, with the organizations."""
    rows = Membership.objects.filter(user=get_user(actor), organization__is_active=True)
    return rows.select_related("organization").order_by("organization__name", "id")


def members_of(actor: Actor) -> TenantQuerySet[Membership]:
    """List the members of the actor's organization, with the people."""
    rows = Membership.objects.filter(organization_id=_tenant_of(actor))
    return rows.select_related("user").order_by("user__email")


def invitations_of(actor: Actor) -> TenantQuerySet[Invitation]:
    """List the open invitations of the actor's organization; expired ones stay until they are revoked."""
    rows = Invitation.objects.filter(
        organization_id=_tenant_of(actor), accepted_at=None, revoked_at=None
    )
    return rows.select_related("invited_by")


def invitations_for(user: User) -> TenantQuerySet[Invitation]:
    """List the invitations that a person can accept now."""
    rows = Invitation.objects.filter(
        email=user.email, accepted_at=None, revoked_at=None, expires_at__gt=clock.now()
    )
    return rows.select_related("organization", "invited_by")


def find_invitation(secret: str) -> Invitation | None:
    """Return the invitation that a link's secret opens."""
    rows = Invitation.objects.select_related("organization", "invited_by")
    return rows.filter(token_digest=digest_of(secret)).first()


def workspaces_of(actor: Actor) -> TenantQuerySet[Workspace]:
    """List the workspaces of the actor's organization, the default one first."""
    rows = Workspace.objects.filter(organization_id=_tenant_of(actor))
    return rows.order_by("-is_default", "name")


def service_tokens_of(actor: Actor) -> TenantQuerySet[ServiceToken]:
    """List the tokens of the actor's organization, newest first, the revoked ones too."""
    rows = ServiceToken.objects.filter(organization_id=_tenant_of(actor))
    return rows.select_related("workspace", "created_by")


def audit_events_of(actor: Actor) -> QuerySet[AuditEvent]:
    """List what happened in the actor's organization, newest first."""
    rows = AuditEvent.objects.filter(organization_id=_tenant_of(actor))
    return rows.order_by("-occurred_at", "-id")


def search_users(text: str) -> QuerySet[User]:
    """List people whose address or name contains the text (empty: everybody), newest first."""
    rows = User.objects.prefetch_related("groups", "memberships__organization").order_by("-id")
    return rows.filter(Q(email__icontains=text) | Q(name__icontains=text)) if text else rows


def owner_language(organization: Organization) -> str:
    """Return the language that an organization's first owner reads."""
    owner = (
        organization.memberships.filter(role=Role.OWNER)
        .select_related("user")
        .order_by("created_at")
        .first()
    )
    return owner.user.language if owner else "en"

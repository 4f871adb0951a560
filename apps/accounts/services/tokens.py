"""Service tokens: what machines use for the REST API. The secret is shown once, its digest is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.credentials import SHOWN_PREFIX_CHARS, digest_of, new_service_token
from apps.accounts.enums import StaffRole
from apps.accounts.exceptions import PermissionsTooWide, UnknownPermission
from apps.accounts.models import Organization, ServiceToken, Workspace
from apps.accounts.roles import ALL_PERMISSIONS, TOKEN_ONLY, grantable_by
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import Conflict, Forbidden, RuleViolated


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its secret, which nothing can show again."""

    token: ServiceToken
    secret: str = field(repr=False)


def create_service_token(
    *,
    organization: Organization,
    name: str,
    permissions: frozenset[str],
    actor: Actor,
    workspace: Workspace | None = None,
    expires_at: datetime | None = None,
) -> IssuedToken:
    """Make a token of an organization; it works in the workspace, or in the default one.

    Raises:
        UnknownPermission: there is no such permission.
        PermissionsTooWide: more than the creator holds.
        RuleViolated: no permission at all, or an expiry in the past.
    """
    unknown = permissions - ALL_PERMISSIONS
    if unknown:
        raise UnknownPermission(field="permissions", unknown=sorted(unknown))
    held = frozenset(permission for permission in ALL_PERMISSIONS if actor.can(permission))
    if not permissions <= grantable_by(held):
        raise PermissionsTooWide(field="permissions")
    if workspace is None:
        workspace = Workspace.objects.get(organization=organization, is_default=True)
    token = ServiceToken(
        organization=organization, workspace=workspace, name=name, expires_at=expires_at
    )
    return _issue(token, permissions, actor)


def create_platform_token(
    *,
    name: str,
    permissions: frozenset[str],
    actor: Actor,
    expires_at: datetime | None = None,
) -> IssuedToken:
    """Make a token of the platform itself, such as the shipper's (`usage.write`).

    Raises:
        Forbidden: only operators and the system may.
        UnknownPermission: not a permission that platform tokens hold.
    """
    if not actor.has_staff_role(StaffRole.OPERATOR):
        raise Forbidden(required=f"staff:{StaffRole.OPERATOR}")
    unknown = permissions - TOKEN_ONLY
    if unknown:
        raise UnknownPermission(field="permissions", unknown=sorted(unknown))
    return _issue(ServiceToken(name=name, expires_at=expires_at), permissions, actor)


@transaction.atomic
def revoke_service_token(*, token: ServiceToken, actor: Actor, reason: str = "") -> ServiceToken:
    """End a token; the next call with it gets 401.

    Raises:
        Conflict: it was revoked before.
    """
    token = ServiceToken.objects.lock(token.pk)
    if token.revoked_at is not None:
        raise Conflict(_("This token is revoked already."))
    token.revoked_at = clock.now()
    token.save(update_fields=["revoked_at", "updated_at"])
    record_audit(action="accounts:service_token:revoked", target=token, actor=actor, reason=reason)
    return token


@transaction.atomic
def _issue(token: ServiceToken, permissions: frozenset[str], actor: Actor) -> IssuedToken:
    if not permissions:
        raise RuleViolated(_("Choose at least one permission."), field="permissions")
    if token.expires_at is not None and token.expires_at <= clock.now():
        raise RuleViolated(_("The expiry lies in the past."), field="expires_at")
    secret = new_service_token()
    token.token_prefix = secret[:SHOWN_PREFIX_CHARS]
    token.token_digest = digest_of(secret)
    token.permissions = sorted(permissions)
    token.created_by_id = actor.user_id
    token.full_clean()
    token.save()
    record_audit(
        action="accounts:service_token:created",
        target=token,
        actor=actor,
        after={"name": token.name, "permissions": token.permissions},
    )
    return IssuedToken(token=token, secret=secret)

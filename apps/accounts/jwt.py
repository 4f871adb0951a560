"""JSON Web Tokens that carry the tenant."""

from __future__ import annotations

from typing import Any

from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy
from django.contrib.auth.base_user import AbstractBaseUser

from apps.accounts.actors import actor_for_user
from apps.accounts.models import Organization, User, Workspace
from apps.core.ids import format_public_id


class TenantJWTTokenStrategy(JWTTokenStrategy):  # type: ignore[misc]  # the package has no types
    """allauth's tokens; access tokens carry `org_id` and `workspace_id`."""

    def get_claims(self, user: AbstractBaseUser) -> dict[str, Any]:
        """Return the tenant that the person works in by default."""
        if not isinstance(user, User):
            return {}
        actor = actor_for_user(user)
        organization_id, workspace_id = actor.organization_id, actor.workspace_id
        return {
            "org_id": organization_id and format_public_id(Organization.id_prefix, organization_id),
            "workspace_id": workspace_id and format_public_id(Workspace.id_prefix, workspace_id),
        }

"""JSON Web Tokens that carry the tenant."""

from __future__ import annotations

from typing import Any

from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy
from django.contrib.auth.base_user import AbstractBaseUser

from apps.accounts.actors import actor_for_user
from apps.accounts.models import User


class TenantJWTTokenStrategy(JWTTokenStrategy):
    """allauth's tokens; access tokens carry `org_id` and `workspace_id`."""

    def get_claims(self, user: AbstractBaseUser) -> dict[str, Any]:
        """Return the tenant that the person works in by default."""
        if not isinstance(user, User):
            return {}
        actor = actor_for_user(user)
        return {
            "org_id": str(actor.organization_id) if actor.organization_id else None,
            "workspace_id": str(actor.workspace_id) if actor.workspace_id else None,
        }

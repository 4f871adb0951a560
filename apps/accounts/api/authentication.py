"""Who calls the REST API: a service token, a JWT, or the portal's session. Each yields an actor."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from allauth.headless.tokens.strategies.jwt import internal as jwt_internal
from django.conf import settings
from django.db.models import Q
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as BaseSessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.actors import actor_for_token, actor_for_user, client_address
from apps.accounts.models import ServiceToken, User
from apps.core import clock
from apps.core.actors import Actor

TOKEN_PREFIX: Final = "tgt_"  # noqa: S105 -- what every service token starts with
LAST_USED_STEP: Final = timedelta(minutes=1)
ORGANIZATION_HEADER: Final = "X-Organization-Id"


def digest_of(token: str) -> str:
    """Return the digest under which a service token is stored (it holds 256 random bits)."""
    return hashlib.sha256(token.encode()).hexdigest()


def bearer_of(request: Request) -> str | None:
    """Return the bearer credential, or None if there is none."""
    scheme, _separator, credential = request.headers.get("Authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" and credential.strip() else None


class ServiceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer tgt_…`."""

    def authenticate(self, request: Request) -> tuple[User | None, Actor] | None:
        """Return the token's actor, or refuse a token that is unknown, revoked or expired."""
        credential = bearer_of(request)
        if credential is None or not credential.startswith(TOKEN_PREFIX):
            return None
        now = clock.now()
        token = (
            ServiceToken.objects.filter(token_digest=digest_of(credential), revoked_at__isnull=True)
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
            .filter(Q(organization__isnull=True) | Q(organization__is_active=True))
            .first()
        )
        if token is None:
            raise AuthenticationFailed(code="invalid_token")
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USED_STEP)
        ServiceToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
        actor = actor_for_token(
            token,
            ip=client_address(request._request),  # noqa: SLF001 -- DRF offers no other way
            user_agent=request.headers.get("User-Agent", ""),
        )
        return None, actor

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'


class JWTAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>` from the headless login."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Return the person's actor in the organization that the token or the header names."""
        credential = bearer_of(request)
        if credential is None or credential.startswith(TOKEN_PREFIX):
            return None
        found = jwt_internal.validate_access_token(credential)
        if found is None:
            raise AuthenticationFailed(code="invalid_token")
        user, claims = found
        if not isinstance(user, User) or not user.is_active:
            raise AuthenticationFailed(code="invalid_token")
        actor = actor_for_user(
            user,
            organization_id=request.headers.get(ORGANIZATION_HEADER) or claims.get("org_id"),
            workspace_id=claims.get("workspace_id"),
            ip=client_address(request._request),  # noqa: SLF001 -- DRF offers no other way
            user_agent=request.headers.get("User-Agent", ""),
        )
        return user, actor

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'


class SessionAuthentication(BaseSessionAuthentication):
    """The portal's session cookie, with CSRF; 401 rather than 403 for strangers."""

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return f'Session realm="{settings.MARKETPLACE_NAME}"'

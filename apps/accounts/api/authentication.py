"""Who calls the REST API: a service token, a JWT, or the portal's session. Each yields an actor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from allauth.headless.tokens.strategies.jwt import internal as jwt_internal
from django.conf import settings
from django.db.models import Q
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as BaseSessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.actors import actor_for_token, actor_for_user
from apps.accounts.credentials import SERVICE_TOKEN_PREFIX, digest_of
from apps.accounts.exceptions import NotAMember
from apps.accounts.models import Organization, ServiceToken, User, Workspace
from apps.core import clock
from apps.core.actors import Actor
from apps.core.client_address import client_address
from apps.core.ids import InvalidPublicIdError, parse_public_id

LAST_USED_STEP: Final = timedelta(minutes=1)
ORGANIZATION_HEADER: Final = "X-Organization-Id"


def bearer_of(request: Request) -> str | None:
    """Return the bearer credential, or None if there is none."""
    scheme, _separator, credential = request.headers.get("Authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" and credential.strip() else None


class ServiceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer tgt_…`."""

    def authenticate(self, request: Request) -> tuple[User | None, Actor] | None:
        """Return the token's actor, or refuse a token that is unknown, revoked, expired, or of no one tenant."""
        credential = bearer_of(request)
        if credential is None or not credential.startswith(SERVICE_TOKEN_PREFIX):
            return None
        now = clock.now()
        token = (
            ServiceToken.objects.filter(token_digest=digest_of(credential), revoked_at__isnull=True)
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
            .filter(Q(organization__isnull=True) | Q(organization__is_active=True))
            .select_related("organization", "workspace")
            .first()
        )
        if token is None or not _fits_its_tenant(token):
            raise AuthenticationFailed(code="invalid_token")
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USED_STEP)
        ServiceToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
        actor = actor_for_token(
            token,
            ip=client_address(request._request),  # noqa: SLF001 -- DRF offers no other way
            user_agent=request.headers.get("User-Agent", ""),
        )
        return None, actor

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'


class JWTAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>` from the headless login."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Return the person's actor in the organization that the token or the header names."""
        credential = bearer_of(request)
        if credential is None or credential.startswith(SERVICE_TOKEN_PREFIX):
            return None
        found = jwt_internal.validate_access_token(credential)
        if found is None:
            raise AuthenticationFailed(code="invalid_token")
        user, claims = found
        if not isinstance(user, User) or not user.is_active:
            raise AuthenticationFailed(code="invalid_token")
        return user, _member_actor(request, user, claims)

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'


def _member_actor(request: Request, user: User, claims: dict[str, Any]) -> Actor:
    """Return the person in the organization of the header, else of the token.

    Never in another one: a write meant for one tenant must not land in the next. A token must say which tenant it is for;
    one of a person who is a member nowhere says null, and holds until they are.
    """
    organization = _claimed(Organization, claims, "org_id")
    workspace = _claimed(Workspace, claims, "workspace_id")
    named = request.headers.get(ORGANIZATION_HEADER)
    wanted = _named_organization(named) if named else organization
    actor = actor_for_user(
        user,
        organization_id=wanted,
        workspace_id=workspace,
        ip=client_address(request._request),  # noqa: SLF001 -- DRF offers no other way
        user_agent=request.headers.get("User-Agent", ""),
    )
    if named and actor.organization_id != wanted:
        raise NotAMember
    if actor.organization_id != wanted:
        raise AuthenticationFailed(code="invalid_token")
    # The workspace of the token is one of the token's organization; elsewhere the default one holds.
    if wanted == organization and actor.workspace_id != workspace:
        raise AuthenticationFailed(code="invalid_token")
    return actor


def _claimed(
    model: type[Organization | Workspace], claims: dict[str, Any], name: str
) -> UUID | None:
    """Return the id that a claim names; None for null.

    Raises:
        AuthenticationFailed: the claim is missing or malformed.
    """
    if name not in claims:
        raise AuthenticationFailed(code="invalid_token")
    if claims[name] is None:
        return None
    try:
        return parse_public_id(model.id_prefix, str(claims[name]))
    except InvalidPublicIdError:
        raise AuthenticationFailed(code="invalid_token") from None


def _named_organization(public_id: str) -> UUID:
    try:
        return parse_public_id(Organization.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotAMember from None


def _fits_its_tenant(token: ServiceToken) -> bool:
    """Tell whether a token names both of its tenant, or neither: those of the platform."""
    if token.organization_id is None or token.workspace is None:
        return token.organization_id is None and token.workspace_id is None
    return token.workspace.organization_id == token.organization_id


class SessionAuthentication(BaseSessionAuthentication):
    """The portal's session cookie, with CSRF; 401 rather than 403 for strangers."""

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme in 401 answers."""
        return f'Session realm="{settings.MARKETPLACE_NAME}"'

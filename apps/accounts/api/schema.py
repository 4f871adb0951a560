"""How the ways to sign in are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ServiceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the package's
    """`Authorization: Bearer tgt_…`."""

    target_class = "apps.accounts.api.authentication.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 -- the base class's
        """Return the scheme."""
        description = "A service token of an organization; made under Organization, Service tokens."
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "tgt_…",
            "description": description,
        }


class JwtScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    """`Authorization: Bearer <access token>`."""

    target_class = "apps.accounts.api.authentication.JWTAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 -- the base class's
        """Return the scheme."""
        description = "An access token from POST /_allauth/app/v1/auth/login; it carries org_id and workspace_id."
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": description,
        }


class RememberedScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    """Service tokens and access tokens alike, kept for a second."""

    target_class = "apps.accounts.api.remembered.RememberedAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 -- the base class's
        """Return the scheme."""
        description = "An access token or a service token."
        return {"type": "http", "scheme": "bearer", "description": description}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    """The portal's cookie."""

    target_class = "apps.accounts.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 -- the base class's
        """Return the scheme."""
        description = "The portal's session; writes need the X-CSRFToken header."
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": description,
        }

"""Permissions that every REST view declares, one per method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, NotAuthenticated

if TYPE_CHECKING:
    from rest_framework.views import APIView  # at run time it imports this module

PUBLIC: Final = "public"
AUTHENTICATED: Final = "authenticated"
STAFF_PREFIX: Final = "staff:"

MethodPermissions = Mapping[str, str]


def actor_of(request: Request) -> Actor:
    """Return who calls; authentication classes put the actor into `request.auth`."""
    if isinstance(request.auth, Actor):
        return request.auth
    actor = getattr(request._request, "actor", None)  # noqa: SLF001 -- DRF's only way to the request
    return actor if isinstance(actor, Actor) else Actor.anonymous()


def declared_permission(view: Any, method: str) -> str:
    """Return what the view demands for a method: a permission, PUBLIC, AUTHENTICATED or `staff:role[,role]`.

    Raises:
        AttributeError, KeyError: the view declares nothing (an architecture test finds it first).
    """
    lookup = "GET" if method == "HEAD" else method
    permissions: MethodPermissions = view.method_permissions
    return permissions[lookup]


def require(actor: Actor, permission: str) -> None:
    """Refuse an actor that lacks the declared permission.

    Raises:
        NotAuthenticated: 401, nobody is signed in.
        Forbidden: 403, the role is not enough.
    """
    if permission == PUBLIC:
        return
    if not actor.is_authenticated:
        raise NotAuthenticated
    if permission == AUTHENTICATED:
        return
    if permission.startswith(STAFF_PREFIX):
        roles = permission.removeprefix(STAFF_PREFIX).split(",")
        if not actor.has_staff_role(*roles):
            raise Forbidden(required=permission)
        return
    if not actor.can(permission):
        raise Forbidden(required=permission)


class DeclaredPermission(BasePermission):
    """Checks `view.method_permissions[method]`; a method that is not declared is a 405 already."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Check the actor against the declaration."""
        method = request.method or "GET"
        if method == "OPTIONS" or getattr(view, method.lower(), None) is None:
            return True
        require(actor_of(request), declared_permission(view, method))
        return True

"""Views below `organizations/{organization_id}`: the caller acts in the organization of the path."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from apps.accounts.actors import actor_for_user
from apps.accounts.models import Organization
from apps.accounts.selectors import get_current_organization, get_user
from apps.core.actors import Actor, ActorKind
from apps.core.api.permissions import actor_of
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id


class OrganizationApiView(ApiView):
    """Permissions and scoping are those that the caller has in the path's organization.

    An organization that the caller does not belong to does not exist for them: 404.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Keep the path's organization from the handlers: they read `self.organization`."""
        self.path_organization_id: str = kwargs.pop("organization_id")
        return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Find out who calls, then enter the path's organization."""
        super().perform_authentication(request)
        actor = actor_of(request)
        if actor.is_authenticated:
            request.auth = _enter(actor, self.path_organization_id)

    @property
    def organization(self) -> Organization:
        """The path's organization."""
        return get_current_organization(self.actor)


def _enter(actor: Actor, public_id: str) -> Actor:
    try:
        wanted = parse_public_id(Organization.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    if actor.kind is ActorKind.USER and actor.organization_id != wanted:
        user = get_user(actor)
        actor = actor_for_user(
            user, organization_id=wanted, ip=actor.ip, user_agent=actor.user_agent
        )
    if actor.organization_id != wanted:
        raise NotFound
    return actor

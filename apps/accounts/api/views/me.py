"""The caller: who they are, where they work, what they are invited to."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors, services
from apps.accounts.api.serializers import (
    MemberOutput,
    OwnInvitationOutput,
    OwnOrganizationOutput,
    ProfileInput,
    UserOutput,
    WhoamiOutput,
)
from apps.accounts.models import Invitation, Organization, Workspace
from apps.core.api.permissions import AUTHENTICATED
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, format_public_id, parse_public_id


class WhoamiView(ApiView):
    """Who a credential belongs to: a person or a service token, its tenant, its permissions."""

    method_permissions = {"GET": AUTHENTICATED}

    @extend_schema(responses=WhoamiOutput)
    def get(self, _request: Request) -> Response:
        """Describe the caller."""
        actor = self.actor
        return Response(
            {
                "kind": actor.kind,
                "label": actor.label,
                "organization_id": _public(Organization, actor.organization_id),
                "workspace_id": _public(Workspace, actor.workspace_id),
                "permissions": sorted(actor.permissions),
                "staff_roles": sorted(actor.staff_roles),
            }
        )


def _public(model: type[Organization | Workspace], key: UUID | None) -> str | None:
    return format_public_id(model.id_prefix, key) if key else None


class MeView(ApiView):
    """The signed-in person."""

    method_permissions = {"GET": AUTHENTICATED, "PATCH": AUTHENTICATED}

    @extend_schema(responses=UserOutput)
    def get(self, _request: Request) -> Response:
        """Show the own profile."""
        return Response(UserOutput(selectors.get_user(self.actor)).data)

    @extend_schema(request=ProfileInput, responses=UserOutput)
    def patch(self, _request: Request) -> Response:
        """Change name, language or time zone."""
        user = selectors.get_user(self.actor)
        changes = self.validated(ProfileInput)
        return Response(
            UserOutput(services.update_profile(user=user, actor=self.actor, **changes)).data
        )


class OwnOrganizationsView(ApiView):
    """Where the signed-in person works."""

    method_permissions = {"GET": AUTHENTICATED}

    @extend_schema(responses=OwnOrganizationOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the organizations with the own role in each."""
        return self.paginated(selectors.own_memberships(self.actor), OwnOrganizationOutput)


class OwnInvitationsView(ApiView):
    """Invitations for the signed-in person's address."""

    method_permissions = {"GET": AUTHENTICATED}

    @extend_schema(responses=OwnInvitationOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List what can be accepted now."""
        rows = selectors.invitations_for(selectors.get_user(self.actor))
        return self.paginated(rows, OwnInvitationOutput)


class AcceptInvitationView(ApiView):
    """Accepting an invitation."""

    method_permissions = {"POST": AUTHENTICATED}

    @extend_schema(request=None, responses={201: MemberOutput})
    def post(self, _request: Request, invitation_id: str) -> Response:
        """Become a member; 404 unless the invitation is for the caller's address."""
        user = selectors.get_user(self.actor)
        invitation = selectors.invitations_for(user).filter(pk=_key_of(invitation_id)).first()
        if invitation is None:
            raise NotFound
        membership = services.accept_invitation(invitation=invitation, user=user, actor=self.actor)
        return Response(MemberOutput(membership).data, status=status.HTTP_201_CREATED)


def _key_of(public_id: str) -> UUID:
    try:
        return parse_public_id(Invitation.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None

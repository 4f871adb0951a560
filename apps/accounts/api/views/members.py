"""Members, invitations and service tokens of an organization."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors, services
from apps.accounts.api.serializers import (
    InvitationInput,
    InvitationOutput,
    IssuedTokenOutput,
    MemberOutput,
    RoleInput,
    ServiceTokenInput,
    ServiceTokenOutput,
)
from apps.accounts.api.views.base import OrganizationApiView


class MembersView(OrganizationApiView):
    """Who works in an organization."""

    method_permissions = {"GET": "organization.read"}

    @extend_schema(responses=MemberOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the members."""
        return self.paginated(selectors.members_of(self.actor), MemberOutput)


class MemberView(OrganizationApiView):
    """One member."""

    method_permissions = {"PATCH": "members.manage", "DELETE": "members.manage"}

    @extend_schema(request=RoleInput, responses=MemberOutput)
    def patch(self, _request: Request, member_id: str) -> Response:
        """Give another role; 409 `last_owner` if no owner would remain."""
        membership = selectors.members_of(self.actor).get_visible(self.actor, member_id)
        changed = services.change_role(
            membership=membership, actor=self.actor, **self.validated(RoleInput)
        )
        return Response(MemberOutput(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, member_id: str) -> Response:
        """End the membership; 409 `last_owner` if no owner would remain."""
        membership = selectors.members_of(self.actor).get_visible(self.actor, member_id)
        services.remove_member(membership=membership, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationsView(OrganizationApiView):
    """Open invitations of an organization."""

    method_permissions = {"GET": "members.manage", "POST": "members.manage"}

    @extend_schema(responses=InvitationOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the open invitations."""
        return self.paginated(selectors.invitations_of(self.actor), InvitationOutput)

    @extend_schema(request=InvitationInput, responses={201: InvitationOutput})
    def post(self, request: Request) -> Response:
        """Invite somebody by mail."""
        values = self.validated(InvitationInput)
        return self.created(
            request,
            lambda: (
                InvitationOutput(
                    services.invite_member(
                        organization=self.organization, actor=self.actor, **values
                    )
                ).data
            ),
        )


class InvitationView(OrganizationApiView):
    """One invitation."""

    method_permissions = {"DELETE": "members.manage"}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, invitation_id: str) -> Response:
        """Take the invitation back; its link stops working."""
        rows = selectors.invitations_of(self.actor)
        services.revoke_invitation(
            invitation=rows.get_visible(self.actor, invitation_id), actor=self.actor
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ServiceTokensView(OrganizationApiView):
    """Service tokens of an organization."""

    method_permissions = {"GET": "tokens.manage", "POST": "tokens.manage"}

    @extend_schema(responses=ServiceTokenOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the tokens, without their secrets."""
        return self.paginated(selectors.service_tokens_of(self.actor), ServiceTokenOutput)

    @extend_schema(request=ServiceTokenInput, responses={201: IssuedTokenOutput})
    def post(self, _request: Request) -> Response:
        """Make a token; the secret is in this answer only, so the request has no Idempotency-Key."""
        values = self.validated(ServiceTokenInput)
        issued = services.create_service_token(
            organization=self.organization,
            name=values["name"],
            permissions=frozenset(values["permissions"]),
            actor=self.actor,
            workspace=self._workspace(values),
            expires_at=values.get("expires_at"),
        )
        body = IssuedTokenOutput({"secret": issued.secret, "token": issued.token}).data
        return Response(body, status=status.HTTP_201_CREATED)

    def _workspace(self, values: dict[str, Any]) -> Any:
        if "workspace_id" not in values:
            return None
        rows = selectors.workspaces_of(self.actor)
        return rows.get_visible(self.actor, values["workspace_id"])


class ServiceTokenView(OrganizationApiView):
    """One service token."""

    method_permissions = {"DELETE": "tokens.manage"}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, token_id: str) -> Response:
        """Revoke the token; it stays listed."""
        token = selectors.service_tokens_of(self.actor).get_visible(self.actor, token_id)
        services.revoke_service_token(token=token, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

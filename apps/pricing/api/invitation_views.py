"""Invitations to private plans over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.pricing import selectors, services
from apps.pricing.api.views import MANAGE, READ, PlanViewBase
from apps.pricing.models import PlanInvitation


class PlanInvitationOutput(serializers.ModelSerializer[PlanInvitation]):
    """An organization that a private plan is open to."""

    id = serializers.CharField(source="public_id", read_only=True)
    organization_id = serializers.CharField(source="organization.public_id", read_only=True)
    organization = serializers.CharField(source="organization.name", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = PlanInvitation
        fields = ("id", "organization_id", "organization", "invited_at")
        read_only_fields = fields


class PlanInvitationInput(serializers.Serializer[Any]):
    """An organization by its id."""

    organization_id = serializers.CharField(max_length=60)


class PlanInvitationMailInput(serializers.Serializer[Any]):
    """Somebody who works in the organization that is to be invited."""

    email = serializers.EmailField(max_length=254)


class PlanInvitationsView(PlanViewBase):
    """Organizations that a private plan is open to."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=PlanInvitationOutput(many=True))
    def get(self, _request: Request, plan_id: str) -> Response:
        """List them, newest first."""
        rows = selectors.list_plan_invitations(self.load(plan_id))
        return self.paginated(rows, PlanInvitationOutput)

    @extend_schema(request=PlanInvitationInput, responses={201: PlanInvitationOutput})
    def post(self, request: Request, plan_id: str) -> Response:
        """Invite an organization by its id; 409 `invited_already`."""
        plan = self.load(plan_id)
        given = self.validated(PlanInvitationInput)
        return self.created(
            request,
            lambda: (
                PlanInvitationOutput(
                    services.invite_to_plan(plan=plan, actor=self.actor, **given)
                ).data
            ),
        )


class PlanInvitationMailView(PlanViewBase):
    """Invitations to a private plan by mail."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=PlanInvitationMailInput, responses={202: None})
    def post(self, request: Request, plan_id: str) -> Response:
        """Send somebody a link; the answer does not say whether the address is known here."""
        plan = self.load(plan_id)
        email = self.validated(PlanInvitationMailInput)["email"]

        def invite() -> tuple[int, object]:
            services.invite_to_plan_by_mail(plan=plan, email=email, actor=self.actor)
            return status.HTTP_202_ACCEPTED, {"email": email}

        return self.once(request, invite)


class PlanInvitationView(PlanViewBase):
    """One organization that a private plan is open to."""

    method_permissions = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, plan_id: str, invitation_id: str) -> Response:
        """Hide the plan from it; a subscription that it has goes on."""
        invitation = selectors.get_plan_invitation(self.load(plan_id), invitation_id)
        services.remove_plan_invitation(invitation=invitation, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

"""Organizations, their workspaces and audit trails."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors, services
from apps.accounts.api.serializers import (
    AuditEventOutput,
    NewOrganizationInput,
    OrganizationChangeInput,
    OrganizationOutput,
    WorkspaceInput,
    WorkspaceOutput,
)
from apps.accounts.api.views.base import OrganizationApiView
from apps.core.api.permissions import AUTHENTICATED
from apps.core.api.views import ApiView


class OrganizationsView(ApiView):
    """Making organizations; `GET /me/organizations` lists them."""

    method_permissions = {"POST": AUTHENTICATED}

    @property
    def idempotency_scope(self) -> str:
        """The person: their first organization does not exist at the first try, but at the second."""
        return str(self.actor.user_id)

    @extend_schema(request=NewOrganizationInput, responses={201: OrganizationOutput})
    def post(self, request: Request) -> Response:
        """Make an organization whose owner is the caller."""
        owner = selectors.get_user(self.actor)
        values = self.validated(NewOrganizationInput)
        return self.created(
            request,
            lambda: (
                OrganizationOutput(
                    services.create_organization(owner=owner, actor=self.actor, **values)
                ).data
            ),
        )


class OrganizationView(OrganizationApiView):
    """One organization."""

    method_permissions = {"GET": "organization.read", "PATCH": "organization.manage"}

    @extend_schema(responses=OrganizationOutput)
    def get(self, _request: Request) -> Response:
        """Show the organization."""
        return Response(OrganizationOutput(self.organization).data)

    @extend_schema(request=OrganizationChangeInput, responses=OrganizationOutput)
    def patch(self, _request: Request) -> Response:
        """Change the organization."""
        changed = services.update_organization(
            organization=self.organization,
            actor=self.actor,
            **self.validated(OrganizationChangeInput),
        )
        return Response(OrganizationOutput(changed).data)


class WorkspacesView(OrganizationApiView):
    """The workspaces of an organization."""

    method_permissions = {"GET": "organization.read", "POST": "workspaces.manage"}

    @extend_schema(responses=WorkspaceOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the workspaces."""
        return self.paginated(selectors.workspaces_of(self.actor), WorkspaceOutput)

    @extend_schema(request=WorkspaceInput, responses={201: WorkspaceOutput})
    def post(self, request: Request) -> Response:
        """Make a workspace."""
        values = self.validated(WorkspaceInput)
        return self.created(
            request,
            lambda: (
                WorkspaceOutput(
                    services.create_workspace(
                        organization=self.organization, actor=self.actor, **values
                    )
                ).data
            ),
        )


class WorkspaceView(OrganizationApiView):
    """One workspace."""

    method_permissions = {"PATCH": "workspaces.manage"}

    @extend_schema(request=WorkspaceInput, responses=WorkspaceOutput)
    def patch(self, _request: Request, workspace_id: str) -> Response:
        """Rename the workspace."""
        workspace = selectors.workspaces_of(self.actor).get_visible(self.actor, workspace_id)
        renamed = services.rename_workspace(
            workspace=workspace, actor=self.actor, **self.validated(WorkspaceInput)
        )
        return Response(WorkspaceOutput(renamed).data)


class AuditEventsView(OrganizationApiView):
    """What happened in an organization: who did what, when, from where."""

    method_permissions = {"GET": "audit.read"}

    @extend_schema(
        parameters=[OpenApiParameter("action", str, description="For example keys:key:revoked.")],
        responses=AuditEventOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List audit events, newest first."""
        rows = selectors.audit_events_of(self.actor)
        action = request.query_params.get("action")
        return self.paginated(rows.filter(action=action) if action else rows, AuditEventOutput)

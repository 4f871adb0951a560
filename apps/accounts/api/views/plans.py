"""The platform's own plans: all of them, an organization's, and the operator's choice of it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.plan_serializers import (
    GivenPlanInput,
    OrganizationPlanOutput,
    PlatformPlanOutput,
)
from apps.accounts.api.views.base import OrganizationApiView
from apps.accounts.models import Organization
from apps.accounts.platform_plans.overview import plan_overview
from apps.accounts.platform_plans.registry import current_plans
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView

OPERATOR = "staff:operator"


class PlatformPlansView(ApiView):
    """What the operator offers to those who work here."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=PlatformPlanOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the plans, from the smallest to the largest."""
        rows = [PlatformPlanOutput(plan).data for plan in current_plans().plans]
        return Response({"results": rows})


class OrganizationPlanView(OrganizationApiView):
    """An organization's plan."""

    method_permissions = {"GET": "organization.read"}

    @extend_schema(responses=OrganizationPlanOutput)
    def get(self, _request: Request) -> Response:
        """Show the plan, what is used and left of its limits, and which features it includes."""
        return Response(OrganizationPlanOutput(plan_overview(self.organization.pk)).data)


class GivenPlanView(ApiView):
    """The plan of any organization, for operators."""

    method_permissions = {"GET": OPERATOR, "PUT": OPERATOR}

    @extend_schema(responses=OrganizationPlanOutput)
    def get(self, _request: Request, organization_id: str) -> Response:
        """Show it with its use."""
        return Response(OrganizationPlanOutput(plan_overview(self._find(organization_id).pk)).data)

    @extend_schema(request=GivenPlanInput, responses=OrganizationPlanOutput)
    def put(self, _request: Request, organization_id: str) -> Response:
        """Give the organization a plan; it holds at once, in every process."""
        values = self.validated(GivenPlanInput)
        organization = services.set_platform_plan(
            organization=self._find(organization_id), actor=self.actor, **values
        )
        return Response(OrganizationPlanOutput(plan_overview(organization.pk)).data)

    def _find(self, organization_id: str) -> Organization:
        return Organization.objects.get_visible(self.actor, organization_id)

"""Throttles of organizations over REST, for operators."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound, RuleViolated
from apps.gateway import selectors, services
from apps.gateway.api import serializers as shapes

OPERATOR = "staff:operator"


class ThrottlesView(ApiView):
    """Who is held back, and was."""

    method_permissions = {"GET": OPERATOR, "POST": OPERATOR}

    @extend_schema(parameters=[shapes.ThrottleQuery], responses=shapes.ThrottleOutput(many=True))
    def get(self, request: Request) -> Response:
        """List throttles, newest first; of one organization with `?organization=`."""
        query = shapes.ThrottleQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = selectors.list_throttles(**query.validated_data)
        return self.paginated(rows, shapes.ThrottleOutput)

    @extend_schema(request=shapes.ThrottleInput, responses={201: shapes.ThrottleOutput})
    def post(self, request: Request) -> Response:
        """Limit all calls of an organization until a time; 409 while another throttle holds."""
        data = self.validated(shapes.ThrottleInput)
        try:
            organization = selectors.get_tenant(data.pop("organization"))
        except NotFound as error:
            raise RuleViolated(error.detail, field="organization") from None

        def apply() -> object:
            throttle = services.apply_throttle(organization=organization, actor=self.actor, **data)
            return shapes.ThrottleOutput(throttle).data

        return self.created(request, apply)


class ThrottleView(ApiView):
    """One throttle."""

    method_permissions = {"GET": OPERATOR}

    @extend_schema(responses=shapes.ThrottleOutput)
    def get(self, _request: Request, throttle_id: str) -> Response:
        """Show what it limits, why, and until when."""
        return Response(shapes.ThrottleOutput(selectors.get_throttle(throttle_id)).data)


class LiftView(ApiView):
    """Ends a throttle before its time."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=shapes.LiftInput, responses=shapes.ThrottleOutput)
    def post(self, _request: Request, throttle_id: str) -> Response:
        """Let the organization call as its plans allow again; 409 when the throttle is over already."""
        throttle = services.lift_throttle(
            throttle=selectors.get_throttle(throttle_id),
            actor=self.actor,
            **self.validated(shapes.LiftInput),
        )
        return Response(shapes.ThrottleOutput(throttle).data)

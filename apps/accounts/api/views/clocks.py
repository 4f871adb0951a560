"""The test clock of a sandbox organization."""

from __future__ import annotations

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.clock_serializers import ClockInput, ClockOutput, MovedOrganizationOutput
from apps.accounts.api.views.base import OrganizationApiView


class ClockView(OrganizationApiView):
    """The test clock of a sandbox organization."""

    method_permissions = {"GET": "organization.read", "POST": "organization.manage"}

    @extend_schema(responses=ClockOutput)
    def get(self, _request: Request) -> Response:
        """Show the clock, how far its last move is, and what happened on the way."""
        return Response(ClockOutput(self.organization).data)

    @extend_schema(
        request=ClockInput, responses={200: MovedOrganizationOutput, 202: MovedOrganizationOutput}
    )
    def post(self, request: Request) -> Response:
        """Move the clock forward; what falls due on the way happens in its order.

        The answer is 200 where nothing falls due, and the clock has arrived. Else it is 202 and the clock is on its way: ask
        for it until `status` is `ready`. A second move before that is refused with 409 `clock_is_advancing`.
        """
        values = self.validated(ClockInput)
        seconds = values.get("by_seconds")

        def advance() -> tuple[int, object]:
            organization = services.advance_clock(
                organization=self.organization,
                actor=self.actor,
                by=timedelta(seconds=seconds) if seconds else None,
                to=values.get("to"),
            )
            body = MovedOrganizationOutput(organization).data
            is_ready = body["clock"]["status"] == "ready"
            return status.HTTP_200_OK if is_ready else status.HTTP_202_ACCEPTED, body

        return self.once(request, advance)

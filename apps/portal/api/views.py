"""Figures that join several domains, over REST."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.core.api.views import ApiView
from apps.portal.api.serializers import ProviderAnalyticsOutput
from apps.portal.provider_figures import provider_figures
from apps.usage.chosen_period import KEYS, choose_period
from apps.usage.selectors import get_provided_api


class ProviderAnalyticsView(ApiView):
    """How the organization's APIs do: the numbers of the provider's overview."""

    method_permissions: ClassVar = {"GET": "apis.read"}

    @extend_schema(
        parameters=[
            OpenApiParameter("period", str, enum=KEYS, description="7d, unless told otherwise."),
            OpenApiParameter("from", str, description="First local day of `custom`, YYYY-MM-DD."),
            OpenApiParameter("to", str, description="Last local day of `custom`, included."),
            OpenApiParameter("api_id", str, description="Only this API."),
        ],
        responses=ProviderAnalyticsOutput,
    )
    def get(self, request: Request) -> Response:
        """Return totals, those of the period before, and a series by hour (24h) or local day."""
        query = request.query_params
        chosen = choose_period(
            get_current_organization(self.actor),
            key=query.get("period", ""),
            first=query.get("from", ""),
            last=query.get("to", ""),
        )
        wanted = query.get("api_id", "")
        api = get_provided_api(self.actor, wanted) if wanted else None
        figures = provider_figures(self.actor, chosen, api=api)
        return Response(ProviderAnalyticsOutput(figures).data)

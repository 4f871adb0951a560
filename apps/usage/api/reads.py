"""What both sides read about their calls: single calls, and series for plots."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.core import clock
from apps.core.api.views import ApiView
from apps.usage import selectors
from apps.usage.api.pagination import EventPagination
from apps.usage.api.serializers import UsageEventSerializer, UsageSeriesSerializer
from apps.usage.models import UsageWindow
from apps.usage.series import usage_series
from apps.usage.spans import SPANS, span_of

PERIOD = OpenApiParameter(
    "period", str, enum=[span.key for span in SPANS], description="Hours or local days back."
)
SUBSCRIPTION = OpenApiParameter("subscription_id", str, description="Only this subscription.")
API = OpenApiParameter("api_id", str, description="Only this API.")


class UsageEventView(ApiView):
    """One call."""

    method_permissions: ClassVar = {"GET": "usage.read"}

    @extend_schema(responses=UsageEventSerializer)
    def get(self, _request: Request, event_id: UUID) -> Response:
        """Show a call that the organization made, or that one of its APIs answered."""
        call = selectors.get_call(self.actor, event_id)
        return Response(UsageEventSerializer(call).data)


class _SeriesView(ApiView):
    """Base of the two series."""

    def answer(self, request: Request, windows: QuerySet[UsageWindow]) -> Response:
        """Add windows up by hour or local day of the organization."""
        organization = get_current_organization(self.actor)
        span = span_of(request.query_params.get("period", ""))
        period = span.ending(clock.business_now(organization), organization.timezone)
        points = usage_series(
            windows, period=period, by_day=span.by_day, timezone=organization.timezone
        )
        totals = {
            name: sum(getattr(point, name) for point in points)
            for name in ("events", "calls", "errors")
        }
        body = {"period": span.key, "by_day": span.by_day, "totals": totals, "points": points}
        return Response(UsageSeriesSerializer(body).data)


class UsageSeriesView(_SeriesView):
    """The organization's calls over time."""

    method_permissions: ClassVar = {"GET": "usage.read"}

    @extend_schema(parameters=[PERIOD, SUBSCRIPTION], responses=UsageSeriesSerializer)
    def get(self, request: Request) -> Response:
        """Return calls, billed calls and errors per hour or day, with zeros."""
        windows = selectors.own_windows(self.actor)
        wanted = request.query_params.get("subscription_id")
        if wanted:
            row = selectors.get_consumer_subscription(self.actor, wanted)
            windows = windows.filter(subscription_id=row.pk)
        return self.answer(request, windows)


class ProviderUsageSeriesView(_SeriesView):
    """The calls of the organization's APIs over time."""

    method_permissions: ClassVar = {"GET": "apis.read"}

    @extend_schema(parameters=[PERIOD, API], responses=UsageSeriesSerializer)
    def get(self, request: Request) -> Response:
        """Return calls, billed calls and errors per hour or day, with zeros."""
        windows = selectors.provided_windows(self.actor)
        wanted = request.query_params.get("api_id")
        if wanted:
            windows = windows.filter(api_id=selectors.get_provided_api(self.actor, wanted).pk)
        return self.answer(request, windows)


class ProviderUsageEventsView(ApiView):
    """The calls that the organization's APIs answered."""

    method_permissions: ClassVar = {"GET": "apis.read"}
    paginator_class = EventPagination

    @extend_schema(parameters=[API], responses=UsageEventSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List them, newest first."""
        rows = selectors.events_of_provider(self.actor)
        wanted = request.query_params.get("api_id")
        if wanted:
            rows = rows.filter(api_id=selectors.get_provided_api(self.actor, wanted).pk)
        return self.paginated(rows, UsageEventSerializer)

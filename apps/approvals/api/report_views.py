"""Many requests at once: bulk decisions, counts, statistics; and the hours in which deadlines run."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import selectors, services
from apps.approvals.api import inputs
from apps.approvals.api import report_serializers as shapes
from apps.approvals.api.base import REVIEWERS, person_named
from apps.approvals.deadlines import get_calendar
from apps.core.api.views import ApiView


class BulkView(ApiView):
    """Decides many requests."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=inputs.BulkInput, responses=shapes.BulkOutput)
    def post(self, request: Request) -> Response:
        """Approve, reject, assign or escalate 1 to 100 requests; each succeeds or fails by itself."""
        given = self.validated(inputs.BulkInput)
        assignee = person_named(given.get("assignee"), self.actor.user_id)

        def work() -> tuple[int, object]:
            results = services.decide_in_bulk(
                public_ids=given["ids"],
                decision=given["decision"],
                comment=given["comment"],
                actor=self.actor,
                assignee=assignee,
            )
            done = sum(result.outcome == "done" for result in results)
            body = {"done": done, "failed": len(results) - done, "results": results}
            return 200, shapes.BulkOutput(body).data

        return self.once(request, work)


class CountsView(ApiView):
    """What waits."""

    method_permissions = {"GET": REVIEWERS}

    @extend_schema(responses=shapes.CountsOutput)
    def get(self, _request: Request) -> Response:
        """Count open requests, late ones, those that nobody has, and the caller's."""
        return Response(shapes.CountsOutput(selectors.count_queue(self.actor.user_id)).data)


class StatisticsView(ApiView):
    """How the back office does."""

    method_permissions = {"GET": REVIEWERS}

    @extend_schema(parameters=[inputs.StatisticsQuery], responses=shapes.StatisticsOutput)
    def get(self, request: Request) -> Response:
        """Compute counts, hours to a decision, and the share of decisions in time, from the requests."""
        query = inputs.StatisticsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = selectors.approval_statistics(**query.validated_data)
        return Response(shapes.StatisticsOutput(found).data)


class CalendarView(ApiView):
    """The operator's working hours."""

    method_permissions = {"GET": REVIEWERS, "PUT": "staff:operator"}

    @extend_schema(responses=shapes.CalendarOutput)
    def get(self, _request: Request) -> Response:
        """Show the hours in which business time runs."""
        return Response(shapes.CalendarOutput(get_calendar()).data)

    @extend_schema(request=inputs.CalendarInput, responses=shapes.CalendarOutput)
    def put(self, _request: Request) -> Response:
        """Set the hours; deadlines that were given stay."""
        calendar = get_calendar()
        for name, value in self.validated(inputs.CalendarInput).items():
            setattr(calendar, name, value)
        services.set_business_calendar(calendar=calendar, actor=self.actor)
        return Response(shapes.CalendarOutput(calendar).data)

"""Drift and replays of logs over REST: for operators, and for the shippers that answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import jobs
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.gateway.valkey import get_counters
from apps.usage import selectors
from apps.usage.constants import MAX_EVENTS_PER_BATCH, PLATFORM_PERMISSION
from apps.usage.drift import lower_counter
from apps.usage.enums import DriftScope
from apps.usage.models import DriftReport, LogReplay
from apps.usage.services import ReplayResult, finish_replay, request_replay

OPERATOR = "staff:operator"
JOBS = {DriftScope.RECENT: "usage.compare_counters", DriftScope.ALL: "usage.compare_all_counters"}


class DriftReportOutput(serializers.ModelSerializer[DriftReport]):
    """One comparison of counters, windows and calls."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = DriftReport
        fields = (
            "id",
            "scope",
            "status",
            "reason",
            "started_at",
            "mark_at",
            "finished_at",
            "compared_count",
            "equal_count",
            "raised_count",
            "lowered_count",
            "unexplained_count",
            "repaired_count",
            "wrong_windows_count",
            "details",
        )
        read_only_fields = fields


class DriftInput(serializers.Serializer[Any]):
    """Which subscriptions to compare."""

    scope = serializers.ChoiceField(choices=DriftScope.choices, default=DriftScope.RECENT)


class DriftStartedOutput(serializers.Serializer[Any]):
    """The job, whose progress `/api/jobs/status/{id}` shows."""

    job = serializers.CharField()
    status = serializers.CharField()


class LogReplayInput(serializers.Serializer[Any]):
    """Which node, and which span of real time."""

    node = serializers.CharField(max_length=80)
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class LogReplayOutput(serializers.ModelSerializer[LogReplay]):
    """What a node was asked to send again, and what it found."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = LogReplay
        fields = (
            "id",
            "node",
            "since",
            "until",
            "status",
            "reason",
            "covered_from",
            "call_count",
            "known_count",
            "sent_count",
            "unconfirmed_count",
            "line_count",
            "unjournaled_count",
            "unreadable",
            "error",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields


class ReplayResultInput(serializers.Serializer[Any]):
    """What a shipper found."""

    covered_from = serializers.DateTimeField()
    call_count = serializers.IntegerField(min_value=0)
    known_count = serializers.IntegerField(min_value=0)
    sent_count = serializers.IntegerField(min_value=0)
    unconfirmed_count = serializers.IntegerField(min_value=0)
    line_count = serializers.IntegerField(min_value=0)
    unjournaled_count = serializers.IntegerField(min_value=0)
    unreadable = serializers.ListField(
        child=serializers.CharField(max_length=300), max_length=1_000, required=False, default=list
    )
    error = serializers.CharField(max_length=1_000, required=False, allow_blank=True, default="")


class MissingInput(serializers.Serializer[Any]):
    """Ids of calls."""

    ids = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MAX_EVENTS_PER_BATCH
    )


class MissingOutput(serializers.Serializer[Any]):
    """Those of them that no call is stored under."""

    missing = serializers.ListField(child=serializers.UUIDField())


class LowerCounterInput(serializers.Serializer[Any]):
    """Whose counter, and why."""

    subscription_id = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=500)


class LoweredCounterOutput(serializers.Serializer[Any]):
    """What was done: `counter` is what the last comparison read, `lowered_by` what was too much in it."""

    subscription_id = serializers.CharField(source="subscription.public_id")
    report_id = serializers.CharField(source="report.public_id")
    period_start = serializers.DateTimeField()
    counter = serializers.IntegerField()
    lowered_by = serializers.IntegerField(source="excess")


class LowerCounterView(ApiView):
    """Lowering a counter that no comparison could explain."""

    method_permissions: ClassVar = {"POST": OPERATOR}

    @extend_schema(request=LowerCounterInput, responses=LoweredCounterOutput)
    def post(self, _request: Request) -> Response:
        """Lower it by what the last comparison found too much; calls made since stay counted, and bills do not change."""
        values = self.validated(LowerCounterInput)
        done = lower_counter(store=get_counters(), actor=self.actor, **values)
        return Response(LoweredCounterOutput(done).data)


class DriftReportsView(ApiView):
    """Comparisons of counters, windows and calls."""

    method_permissions: ClassVar = {"GET": OPERATOR, "POST": OPERATOR}

    @extend_schema(
        parameters=[
            OpenApiParameter("findings", bool, description="Only those that found something.")
        ],
        responses=DriftReportOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List them, newest first."""
        only = request.query_params.get("findings", "") in {"1", "true"}
        rows = selectors.list_drift_reports(only_with_findings=only)
        return self.paginated(rows, DriftReportOutput)

    @extend_schema(request=DriftInput, responses={202: DriftStartedOutput})
    def post(self, request: Request) -> Response:
        """Compare now; the report appears among the others."""
        scope = DriftScope(self.validated(DriftInput)["scope"])

        def start() -> tuple[int, Any]:
            run = jobs.enqueue(JOBS[scope], actor=self.actor)
            return status.HTTP_202_ACCEPTED, {"job": run.public_id, "status": run.status}

        return self.once(request, start)


class DriftReportView(ApiView):
    """One comparison."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(responses=DriftReportOutput)
    def get(self, _request: Request, report_id: str) -> Response:
        """Show what it found, by subscription, and what it did."""
        return Response(DriftReportOutput(selectors.get_drift_report(report_id)).data)


class ReplaysView(ApiView):
    """Replays of gateway nodes' logs."""

    method_permissions: ClassVar = {"GET": OPERATOR, "POST": OPERATOR}

    @extend_schema(responses=LogReplayOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_replays(), LogReplayOutput)

    @extend_schema(request=LogReplayInput, responses={201: LogReplayOutput})
    def post(self, request: Request) -> Response:
        """Ask a node to send the calls of a span that are not stored, from the files that it still has."""
        values = self.validated(LogReplayInput)
        node = selectors.get_shipper(values.pop("node"))

        def ask() -> Any:
            return LogReplayOutput(request_replay(node=node, actor=self.actor, **values)).data

        return self.created(request, ask)


class ReplayView(ApiView):
    """One replay."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(responses=LogReplayOutput)
    def get(self, _request: Request, replay_id: str) -> Response:
        """Show how far it is, and what the node found."""
        return Response(LogReplayOutput(selectors.get_replay(replay_id)).data)


class ShipperView(ApiView):
    """What only the gateway's own shippers call."""

    def _require_platform(self) -> None:
        if self.actor.organization_id is not None:
            raise NotFound


class MissingEventsView(ShipperView):
    """Which calls are not stored."""

    method_permissions: ClassVar = {"POST": PLATFORM_PERMISSION}

    @extend_schema(request=MissingInput, responses=MissingOutput)
    def post(self, _request: Request) -> Response:
        """Return those of up to 5 000 ids that no call is stored under; for shippers."""
        self._require_platform()
        ids = self.validated(MissingInput)["ids"]
        return Response({"missing": selectors.missing_events(ids)})


class ReplayResultView(ShipperView):
    """The answer of a node."""

    method_permissions: ClassVar = {"POST": PLATFORM_PERMISSION}

    @extend_schema(request=ReplayResultInput, responses=LogReplayOutput)
    def post(self, _request: Request, replay_id: str) -> Response:
        """Take what a shipper found; 409 `replay_over` when nobody waits for it any more."""
        self._require_platform()
        replay = selectors.get_replay(replay_id)
        values: dict[str, Any] = self.validated(ReplayResultInput)
        covered_from: datetime = values.pop("covered_from")
        result = ReplayResult(
            covered_from=covered_from, unreadable=tuple(values.pop("unreadable")), **values
        )
        done = finish_replay(replay_id=replay.pk, result=result, actor=self.actor)
        return Response(LogReplayOutput(done).data)

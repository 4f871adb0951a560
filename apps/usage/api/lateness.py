"""Late events, and rewinds for operators."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput, NotFound
from apps.core.ids import InvalidPublicIdError, format_public_id, parse_public_id
from apps.usage import selectors, services
from apps.usage.enums import LateResolution
from apps.usage.models import LateEvent, UsageRewind, WindowDifference
from apps.usage.rewind_scopes import find_scope

OPERATOR = "staff:operator"
FINANCE = "staff:operator,finance"
SUBSCRIPTION = OpenApiParameter("subscription_id", str, description="Only this subscription.")
API = OpenApiParameter("api_id", str, description="Only this API.")
STATE = OpenApiParameter("state", str, enum=LateResolution.values, description="Only this state.")


class LateEventOutput(serializers.ModelSerializer[LateEvent]):
    """An event that came behind its window's watermark."""

    id = serializers.CharField(source="public_id")
    subscription_id = serializers.SerializerMethodField()
    state = serializers.ChoiceField(LateResolution.choices, source="resolution")
    arrived_at = serializers.DateTimeField(source="created_at")

    class Meta:
        """What both sides may read."""

        model = LateEvent
        fields = (
            "id", "event_id", "subscription_id", "meter", "dimensions", "quantity", "occurred_at", "arrived_at",
            "window_start", "period_start", "period_end", "state", "resolved_at", "reason",
        )  # fmt: skip

    def get_subscription_id(self, late: LateEvent) -> str:
        """Return the public id."""
        return format_public_id("sub", late.subscription_id)


class RewindInput(serializers.Serializer[Any]):
    """Which windows to compute anew. Without `api_id` and `subscription_id`: all; without `meter`: every meter."""

    api_id = serializers.CharField(required=False, default="", allow_blank=True)
    subscription_id = serializers.CharField(required=False, default="", allow_blank=True)
    meter = serializers.CharField(required=False, default="", allow_blank=True, max_length=60)
    until = serializers.DateTimeField(help_text="Business time; whole local days are computed.")
    dry_run = serializers.BooleanField(
        default=True, help_text="Only list what would differ. Changes nothing."
    )
    reason = serializers.CharField(max_length=500)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which is no name in Python."""
        return {
            "from": serializers.DateTimeField(help_text="Business time."),
            **super().get_fields(),
        }


class RewindOutput(serializers.ModelSerializer[UsageRewind]):
    """A rewind: where it stands and what it found."""

    id = serializers.CharField(source="public_id")
    api_id = serializers.SerializerMethodField()
    subscription_id = serializers.SerializerMethodField()
    until = serializers.DateTimeField(source="range_end")
    dry_run = serializers.BooleanField(source="is_dry_run")
    job_id = serializers.CharField(source="job_run.public_id", default=None)
    progress = serializers.SerializerMethodField()

    class Meta:
        """Counts are numbers of windows."""

        model = UsageRewind
        fields = (
            "id", "status", "api_id", "subscription_id", "meter", "until", "dry_run", "reason", "job_id", "progress",
            "window_count", "difference_count", "revised_count", "kept_count", "error", "created_at", "finished_at",
        )  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which is no name in Python."""
        return {"from": serializers.DateTimeField(source="range_start"), **super().get_fields()}

    def get_api_id(self, rewind: UsageRewind) -> str | None:
        """Return the public id."""
        return format_public_id("api", rewind.api_id) if rewind.api_id else None

    def get_subscription_id(self, rewind: UsageRewind) -> str | None:
        """Return the public id."""
        return format_public_id("sub", rewind.subscription_id) if rewind.subscription_id else None

    def get_progress(self, rewind: UsageRewind) -> dict[str, int]:
        """Return how many steps are done, of how many."""
        return {"done": rewind.steps_done, "total": rewind.steps_total}


class DifferenceOutput(serializers.ModelSerializer[WindowDifference]):
    """A window that its events add up to something else than it says, or said."""

    id = serializers.CharField(source="public_id")
    subscription_id = serializers.SerializerMethodField()

    class Meta:
        """`was_…` is what the window said, the rest what its events say."""

        model = WindowDifference
        fields = (
            "id", "subscription_id", "meter", "dimensions", "window_start", "was_quantity", "was_event_count",
            "was_error_count", "quantity", "event_count", "error_count", "is_period_closed", "state", "resolved_at",
        )  # fmt: skip

    def get_subscription_id(self, row: WindowDifference) -> str:
        """Return the public id."""
        return format_public_id("sub", row.subscription_id)


class _LateEventsView(ApiView):
    """Base of the two lists."""

    def answer(self, request: Request, rows: QuerySet[LateEvent]) -> Response:
        """Keep one state if asked, and answer a page."""
        state = request.query_params.get("state")
        if state:
            if state not in LateResolution.values:
                raise InvalidInput(f"{state} is not a state.", field="state")
            rows = rows.filter(resolution=state)
        return self.paginated(rows, LateEventOutput)


class LateEventsView(_LateEventsView):
    """Events of the organization that came behind their window's watermark."""

    method_permissions: ClassVar = {"GET": "usage.read"}

    @extend_schema(parameters=[SUBSCRIPTION, STATE], responses=LateEventOutput(many=True))
    def get(self, request: Request) -> Response:
        """List them, the last to come first."""
        rows = selectors.late_events_of_consumer(self.actor)
        wanted = request.query_params.get("subscription_id")
        if wanted:
            row = selectors.get_consumer_subscription(self.actor, wanted)
            rows = rows.filter(subscription_id=row.pk)
        return self.answer(request, rows)


class ProviderLateEventsView(_LateEventsView):
    """Events of the organization's APIs that came behind their window's watermark."""

    method_permissions: ClassVar = {"GET": "apis.read"}

    @extend_schema(parameters=[API, STATE], responses=LateEventOutput(many=True))
    def get(self, request: Request) -> Response:
        """List them, the last to come first."""
        rows = selectors.late_events_of_provider(self.actor)
        wanted = request.query_params.get("api_id")
        if wanted:
            api = selectors.get_provided_api(self.actor, wanted)
            rows = rows.filter(subscription__api_id=api.pk)
        return self.answer(request, rows)


class EveryLateEventView(_LateEventsView):
    """Late events of every organization, for finance."""

    method_permissions: ClassVar = {"GET": FINANCE}

    @extend_schema(parameters=[SUBSCRIPTION, API, STATE], responses=LateEventOutput(many=True))
    def get(self, request: Request) -> Response:
        """List them, the last to come first. What they cost says the rating of their period."""
        rows = selectors.every_late_event()
        for prefix, column in (("sub", "subscription_id"), ("api", "subscription__api_id")):
            wanted = request.query_params.get("subscription_id" if prefix == "sub" else "api_id")
            if wanted:
                rows = rows.filter(**{column: _id_of(prefix, wanted)})
        return self.answer(request, rows)


class WaiveInput(serializers.Serializer[Any]):
    """Why nobody is charged."""

    reason = serializers.CharField(max_length=200)


class WaiveLateEventView(ApiView):
    """Charges a late event to nobody."""

    method_permissions: ClassVar = {"POST": FINANCE}

    @extend_schema(request=WaiveInput, responses=LateEventOutput)
    def post(self, _request: Request, event_id: str) -> Response:
        """Waive an open one, with a reason. 409 `late_event_resolved` for one that is not open any more."""
        reason = self.validated(WaiveInput)["reason"]
        event = selectors.get_late_event(event_id)
        services.waive_late_events(events=[event], actor=self.actor, reason=reason)
        return Response(LateEventOutput(selectors.get_late_event(event_id)).data)


def _id_of(prefix: str, text: str) -> UUID:
    try:
        return parse_public_id(prefix, text)
    except InvalidPublicIdError:
        raise NotFound from None


class RewindsView(ApiView):
    """Windows computed anew from stored events."""

    method_permissions: ClassVar = {"GET": OPERATOR, "POST": OPERATOR}

    @extend_schema(responses=RewindOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List rewinds, newest first."""
        return self.paginated(selectors.list_rewinds(), RewindOutput)

    @extend_schema(request=RewindInput, responses={202: RewindOutput})
    def post(self, request: Request) -> Response:
        """Start one in the background: a dry run, unless `dry_run` is false. 409 `rewind_running`, `events_dropped`, `archive_unusable`."""
        values = self.validated(RewindInput)
        scope = find_scope(
            start=values["from"],
            end=values["until"],
            api_id=values["api_id"],
            subscription_id=values["subscription_id"],
            meter=values["meter"],
        )

        def start() -> tuple[int, Any]:
            rewind = services.request_rewind(
                scope=scope,
                is_dry_run=values["dry_run"],
                reason=values["reason"],
                actor=self.actor,
            )
            return status.HTTP_202_ACCEPTED, RewindOutput(rewind).data

        return self.once(request, start)


class RewindView(ApiView):
    """One rewind."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(responses=RewindOutput)
    def get(self, _request: Request, rewind_id: str) -> Response:
        """Show where it stands."""
        return Response(RewindOutput(selectors.get_rewind(rewind_id)).data)


class RewindDifferencesView(ApiView):
    """What a rewind found."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(responses=DifferenceOutput(many=True))
    def get(self, _request: Request, rewind_id: str) -> Response:
        """List the windows that differ: what each was, and what its events add up to."""
        rewind = selectors.get_rewind(rewind_id)
        return self.paginated(selectors.list_differences(rewind), DifferenceOutput)

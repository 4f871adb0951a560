"""What became of batches, and of each event in them: for whoever sent them."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput
from apps.usage import selectors
from apps.usage.enums import BatchStatus, EventFate, RejectionCode
from apps.usage.models import RejectedEvent, UsageBatch

SENDER = {"GET": "usage.write"}
PAGE: int = 200


class BatchSerializer(serializers.ModelSerializer[UsageBatch]):
    """What became of a batch. `events` counts what intake took; `lag_s` runs from receipt to processing, or to now."""

    id = serializers.CharField(source="public_id")
    next_try_at = serializers.SerializerMethodField()
    lag_s = serializers.FloatField()

    class Meta:
        """Without the body."""

        model = UsageBatch
        fields: ClassVar[tuple[str, ...]] = (
            "id", "source", "status", "event_count", "rejections", "outcome", "attempts",
            "next_try_at", "last_error", "lag_s", "created_at", "processed_at",
        )  # fmt: skip

    def get_next_try_at(self, batch: UsageBatch) -> str | None:
        """Return when a batch that waits is tried next."""
        if batch.status != BatchStatus.PENDING:
            return None
        return batch.available_at.isoformat()


class SentEventSerializer(serializers.Serializer[Any]):
    """An event of a batch."""

    index = serializers.IntegerField(help_text="Position in the batch, from 0.")
    event_id = serializers.CharField()
    outcome = serializers.ChoiceField(EventFate.choices, source="fate")
    code = serializers.CharField()
    field = serializers.CharField()
    reason = serializers.CharField()


class SentEventsPage(serializers.Serializer[Any]):
    """Events in the order they were sent. `next_after` is null on the last page."""

    data = SentEventSerializer(many=True)  # type: ignore[assignment]  # shadows a property we do not use
    next_after = serializers.IntegerField(allow_null=True)


class RejectedEventSerializer(serializers.ModelSerializer[RejectedEvent]):
    """An event that was not taken, as it was sent but without keys."""

    id = serializers.CharField(source="public_id")
    batch_id = serializers.CharField(source="batch_public_id")
    index = serializers.IntegerField(source="position")

    class Meta:
        """All but the tenant, which is the reader's own."""

        model = RejectedEvent
        fields: ClassVar[tuple[str, ...]] = (
            "id", "batch_id", "index", "event_id", "code", "field", "reason", "payload",
            "created_at",
        )  # fmt: skip


class UsageBatchesView(ApiView):
    """Batches that the organization sent."""

    method_permissions: ClassVar = SENDER

    @extend_schema(
        parameters=[OpenApiParameter("status", str, enum=BatchStatus.values)],
        responses=BatchSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List them, newest first."""
        rows = selectors.batches_of(self.actor, status=request.query_params.get("status", ""))
        return self.paginated(rows, BatchSerializer)


class UsageBatchView(ApiView):
    """What became of a batch."""

    method_permissions: ClassVar = SENDER

    @extend_schema(responses=BatchSerializer)
    def get(self, _request: Request, batch_id: str) -> Response:
        """Return the batch with its rejections and its outcome."""
        batch = selectors.get_batch(self.actor, batch_id)
        return Response(BatchSerializer(batch).data)


class UsageBatchEventsView(ApiView):
    """What became of each event of a batch."""

    method_permissions: ClassVar = SENDER

    @extend_schema(
        parameters=[
            OpenApiParameter("outcome", str, enum=EventFate.values),
            OpenApiParameter("after", int, description="Only events behind this position."),
        ],
        responses=SentEventsPage,
    )
    def get(self, request: Request, batch_id: str) -> Response:
        """List events in the order they were sent, 200 a page."""
        batch = selectors.get_batch(self.actor, batch_id)
        fate = request.query_params.get("outcome", "")
        if fate and fate not in EventFate.values:
            detail = f"`outcome` is one of {', '.join(EventFate.values)}"
            raise InvalidInput(detail, field="outcome")
        found = selectors.fates_of(batch, fate=fate, after=_after(request), limit=PAGE + 1)
        next_after = found[PAGE - 1].index if len(found) > PAGE else None
        return Response(SentEventsPage({"data": found[:PAGE], "next_after": next_after}).data)


class UsageRejectionsView(ApiView):
    """Events of the organization that were not taken."""

    method_permissions: ClassVar = SENDER

    @extend_schema(
        parameters=[
            OpenApiParameter("code", str, enum=RejectionCode.values),
            OpenApiParameter("batch_id", str, description="Only of this batch."),
            OpenApiParameter("event_id", str, description="Only this event."),
        ],
        responses=RejectedEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List them with what was sent, newest first."""
        wanted = {
            name: request.query_params.get(name, "") for name in ("code", "batch_id", "event_id")
        }
        return self.paginated(
            selectors.rejections_of(self.actor, **wanted), RejectedEventSerializer
        )


def _after(request: Request) -> int:
    text = request.query_params.get("after", "-1")
    try:
        return int(text)
    except ValueError:
        raise InvalidInput("`after` is a number", field="after") from None

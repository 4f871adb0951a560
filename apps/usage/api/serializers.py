"""Shapes of the usage endpoints."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.core.ids import format_public_id
from apps.usage.constants import PROVIDER_SOURCE
from apps.usage.enums import EventOutcome, RejectionCode
from apps.usage.models import LogReplay, UsageEvent, UsageWindow


class UsageEventInput(serializers.Serializer[Any]):
    """An event of a batch. msgspec validates it (`event_schema`); this is its description."""

    id = serializers.UUIDField(help_text="Yours to choose; the same id is counted once.")
    source = serializers.CharField(required=False, max_length=80, default=PROVIDER_SOURCE)  # type: ignore[assignment]  # shadows a property we do not use
    occurred_at = serializers.DateTimeField(help_text="Also `timestamp`.")
    subscription_id = serializers.CharField(
        required=False, help_text="Or `key_id`, or `subscription_key` in its place."
    )
    key_id = serializers.CharField(required=False, allow_null=True)
    subscription_key = serializers.CharField(
        required=False, help_text="A key, its id, or a subscription's id. Keys are never stored."
    )
    status = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=999,
        help_text="Required of completed calls. Also `status_code`.",
    )
    api_id = serializers.CharField(required=False)
    method = serializers.CharField(required=False, max_length=10)
    path = serializers.CharField(required=False, help_text="Also `api_path`.")
    latency_ms = serializers.FloatField(
        required=False, allow_null=True, help_text="Also `response_time_ms`."
    )
    request_bytes = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text="Also `request_size`."
    )
    response_bytes = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text="Also `response_size`."
    )
    request_id = serializers.CharField(required=False, max_length=200)
    outcome = serializers.ChoiceField(EventOutcome.choices, required=False, default="completed")
    properties = serializers.JSONField(required=False)


class UsageBatchInput(serializers.Serializer[Any]):
    """The body of a batch."""

    events = UsageEventInput(many=True)


class RejectionSerializer(serializers.Serializer[Any]):
    """Why one event was not taken."""

    index = serializers.IntegerField(help_text="Position in the batch, from 0.")
    code = serializers.ChoiceField(RejectionCode.values)
    reason = serializers.CharField()
    field = serializers.CharField(help_text="As it was sent; empty for the event as a whole.")
    event_id = serializers.CharField(help_text="Empty where the event has none that can be read.")


class ReplayAskedOutput(serializers.Serializer[LogReplay]):
    """A shipper is asked to send the calls of a span of real time that are not stored."""

    id = serializers.CharField(source="public_id")
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()


class BatchReceiptSerializer(serializers.Serializer[Any]):
    """The answer to a batch."""

    batch_id = serializers.CharField(help_text="Empty for a heartbeat without events.")
    accepted = serializers.IntegerField()
    rejected = RejectionSerializer(many=True)
    replay = ReplayAskedOutput(required=False, help_text="For shippers only.")


class UsageEventSerializer(serializers.ModelSerializer[UsageEvent]):
    """One call."""

    id = serializers.UUIDField(source="event_id")
    subscription_id = serializers.SerializerMethodField()
    api_id = serializers.SerializerMethodField()
    key_id = serializers.SerializerMethodField()

    class Meta:
        """What both sides may read; upstream details stay inside."""

        model = UsageEvent
        fields: ClassVar = (
            "id",
            "occurred_at",
            "subscription_id",
            "api_id",
            "key_id",
            "method",
            "path",
            "status",
            "latency_ms",
            "request_bytes",
            "response_bytes",
            "request_id",
            "outcome",
            "is_billable",
        )

    def get_subscription_id(self, event: UsageEvent) -> str:
        """Return the public id."""
        return format_public_id("sub", event.subscription_id)

    def get_api_id(self, event: UsageEvent) -> str:
        """Return the public id."""
        return format_public_id("api", event.api_id)

    def get_key_id(self, event: UsageEvent) -> str | None:
        """Return the public id."""
        return format_public_id("key", event.key_id) if event.key_id else None


class UsageWindowSerializer(serializers.ModelSerializer[UsageWindow]):
    """What one window added up to.

    `dimensions` is a JSON object, or empty. It closes at `closes_at`, in real time; what comes later, and before its period is closed, is in `late_count`.
    """

    id = serializers.CharField(source="public_id")
    closes_at = serializers.DateTimeField(source="watermark_at")
    as_of = serializers.DateTimeField(source="updated_at", help_text="When it last changed.")
    subscription_id = serializers.SerializerMethodField()

    class Meta:
        """Quantities are decimal strings."""

        model = UsageWindow
        fields: ClassVar = (
            "id",
            "subscription_id",
            "meter",
            "dimensions",
            "aggregation",
            "window_start",
            "window_end",
            "quantity",
            "event_count",
            "error_count",
            "late_count",
            "revision",
            "status",
            "closes_at",
            "closed_at",
            "as_of",
        )

    def get_subscription_id(self, window: UsageWindow) -> str:
        """Return the public id."""
        return format_public_id("sub", window.subscription_id)


class UsageTotalsSerializer(serializers.Serializer[Any]):
    """All calls, the billed ones and the failed ones (status 400 and above)."""

    events = serializers.IntegerField()
    calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # shadows a property we do not use


class UsagePointSerializer(UsageTotalsSerializer):
    """One hour or one local day."""

    at = serializers.SerializerMethodField()

    def get_at(self, point: Any) -> str:
        """Return the start in the organization's own time zone."""
        return str(point.at.isoformat())


class UsageSeriesSerializer(serializers.Serializer[Any]):
    """Calls over time."""

    period = serializers.CharField()
    by_day = serializers.BooleanField()
    totals = UsageTotalsSerializer()
    points = UsagePointSerializer(many=True)

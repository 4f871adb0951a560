"""Shapes of the usage endpoints."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.core.ids import format_public_id
from apps.usage.models import UsageBatch, UsageEvent, UsageWindow


class RejectionSerializer(serializers.Serializer[Any]):
    """Why one event was not taken."""

    index = serializers.IntegerField(help_text="Position in the batch, from 0.")
    code = serializers.CharField()
    reason = serializers.CharField()


class BatchReceiptSerializer(serializers.Serializer[Any]):
    """The answer to a batch."""

    batch_id = serializers.CharField(help_text="Empty for a heartbeat without events.")
    accepted = serializers.IntegerField()
    rejected = RejectionSerializer(many=True)


class BatchSerializer(serializers.ModelSerializer[UsageBatch]):
    """What became of a batch."""

    id = serializers.CharField(source="public_id")

    class Meta:
        """Without the body."""

        model = UsageBatch
        fields: ClassVar = (
            "id",
            "status",
            "event_count",
            "rejections",
            "outcome",
            "attempts",
            "last_error",
            "created_at",
            "processed_at",
        )


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
    """What one hour added up to."""

    id = serializers.CharField(source="public_id")
    subscription_id = serializers.SerializerMethodField()

    class Meta:
        """Quantities are decimal strings."""

        model = UsageWindow
        fields: ClassVar = (
            "id",
            "subscription_id",
            "meter",
            "window_start",
            "window_end",
            "quantity",
            "event_count",
            "error_count",
            "revision",
            "status",
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

"""What the endpoints of this app answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import MoneyField
from apps.portal.provider_figures import ProviderFigures, Step, Totals


class SpanOutput(serializers.Serializer[Any]):
    """A half-open range of time."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class RevenueOutput(serializers.Serializer[Any]):
    """What subscribers paid in one currency, the marketplace's fee, and what is left."""

    gross = MoneyField()
    fee = MoneyField()
    net = MoneyField()


class ProviderLatencyOutput(serializers.Serializer[Any]):
    """Of completed calls; null without any. Percentiles are within 2.5 percent."""

    p50_ms = serializers.IntegerField(allow_null=True)
    p95_ms = serializers.IntegerField(allow_null=True)
    period = SpanOutput()


class TotalsOutput(serializers.Serializer[Totals]):
    """What a period adds up to; `revenue` is empty for those who may not read earnings."""

    subscribers = serializers.IntegerField()
    calls = serializers.IntegerField()
    billed_calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # the serializer's own is not used
    latency = ProviderLatencyOutput()
    revenue = RevenueOutput(many=True)


class StepOutput(serializers.Serializer[Step]):
    """One hour or local day."""

    at = serializers.DateTimeField()
    calls = serializers.IntegerField()
    billed_calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # the serializer's own is not used
    errors_4xx = serializers.IntegerField(source="failures.client_errors")
    errors_5xx = serializers.IntegerField(source="failures.server_errors")
    revenue = serializers.SerializerMethodField()

    def get_revenue(self, step: Step) -> list[dict[str, Any]]:
        """Return the step's revenue per currency."""
        rows = [step.revenue[currency] for currency in sorted(step.revenue)]
        return [dict(row) for row in RevenueOutput(rows, many=True).data]


class ApiFiguresOutput(serializers.Serializer[Any]):
    """One API's part of the totals."""

    id = serializers.CharField(source="api.public_id")
    name = serializers.CharField(source="api.name")
    status = serializers.CharField(source="api.status")
    subscribers = serializers.IntegerField()
    calls = serializers.IntegerField(source="usage.events")
    billed_calls = serializers.IntegerField(source="usage.calls")
    errors = serializers.IntegerField(source="usage.errors")  # type: ignore[assignment]  # as above
    revenue = RevenueOutput(many=True)


class ProviderAnalyticsOutput(serializers.Serializer[ProviderFigures]):
    """A provider's figures over a period, and over the one before it."""

    period = SpanOutput(source="chosen.period")
    previous_period = SpanOutput(source="chosen.previous")
    timezone = serializers.CharField(source="chosen.timezone")
    by_day = serializers.BooleanField(source="chosen.span.by_day")
    api = serializers.CharField(source="api.public_id", allow_null=True, default=None)
    active_apis = serializers.IntegerField(source="active_count")
    totals = TotalsOutput(source="now")
    previous_totals = TotalsOutput(source="before")
    sandbox_revenue = RevenueOutput(many=True)
    series = StepOutput(source="steps", many=True)
    apis = ApiFiguresOutput(many=True)

"""Shapes of analytics."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.usage.figures import Figures, Point
from apps.usage.selectors import Analytics, Group
from apps.usage.selectors.analytics_labels import Value


class LatencyOutput(serializers.Serializer[Figures]):
    """Of the calls whose end was logged; null without any. Percentiles are within 2.5 percent."""

    average_ms = serializers.IntegerField(allow_null=True)
    p50_ms = serializers.IntegerField(allow_null=True)
    p95_ms = serializers.IntegerField(allow_null=True)
    p99_ms = serializers.IntegerField(allow_null=True)


class FiguresOutput(serializers.Serializer[Any]):
    """Sums over calls. `refused` are answers with 4xx, `failed` with 5xx, `errors` both."""

    calls = serializers.IntegerField()
    billed_calls = serializers.IntegerField(source="billable")
    answered = serializers.IntegerField()
    redirected = serializers.IntegerField()
    refused = serializers.IntegerField()
    failed = serializers.IntegerField()
    unconfirmed = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # the serializer's own is not used
    request_bytes = serializers.IntegerField()
    response_bytes = serializers.IntegerField()
    latency = LatencyOutput(source="*")


class PointOutput(serializers.Serializer[Point]):
    """One hour or one local day."""

    at = serializers.SerializerMethodField()
    figures = FiguresOutput()

    def get_at(self, point: Point) -> str:
        """Return the start in the side's own time zone."""
        return point.at.isoformat()


class PeriodOutput(serializers.Serializer[Any]):
    """A half-open range of time."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class AnalyticsOutput(serializers.Serializer[Analytics]):
    """A period's figures and those of the period before it."""

    period = PeriodOutput(source="chosen.period")
    previous_period = PeriodOutput(source="chosen.previous")
    timezone = serializers.CharField(source="chosen.timezone")
    by_day = serializers.BooleanField(source="chosen.span.by_day")
    totals = FiguresOutput(source="now")
    previous_totals = FiguresOutput(source="before")
    series = PointOutput(source="points", many=True)


class ValueOutput(serializers.Serializer[Value]):
    """What a group is of: its public id or text, and the names that people know."""

    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the serializer's own is not used
    note = serializers.CharField()


class GroupOutput(serializers.Serializer[Group]):
    """One group, and its share of all calls."""

    value = ValueOutput()
    share = serializers.FloatField()
    figures = FiguresOutput()


class GroupPageOutput(serializers.Serializer[Any]):
    """A page of groups; `other` is what all later ones add up to, null on the last page."""

    data = GroupOutput(many=True)  # type: ignore[assignment]  # the serializer's own is not used
    other = FiguresOutput(allow_null=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)

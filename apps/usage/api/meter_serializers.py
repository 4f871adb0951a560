"""Meters as the REST API shows and takes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S, MAX_WATERMARK_DELAY_S
from apps.usage.enums import Aggregation, MeterSource, UnitConversion, UnitRounding, WindowSize
from apps.usage.meter_filters import Operator
from apps.usage.models import Meter, MeterError


class MeterErrorOutput(serializers.ModelSerializer[MeterError]):
    """Events that gave the meter no value, by reason, with the last of them."""

    class Meta:
        """Explicit fields only."""

        model = MeterError
        fields = ("code", "count", "last_event_id", "last_at", "sample")
        read_only_fields = fields


class FilterShape(serializers.Serializer[dict[str, Any]]):
    """One condition on a property, or on `method`, `path`, `status`, `source` or `endpoint` of the call.

    An endpoint is a method and a path template of the API's documents, such as `GET /cities/{id}`.
    """

    property = serializers.CharField(max_length=40)
    operator = serializers.ChoiceField(choices=[str(operator) for operator in Operator])
    value = serializers.JSONField(required=False)


class DimensionShape(serializers.Serializer[dict[str, Any]]):
    """A property whose listed values are counted apart; all others count as `other`."""

    property = serializers.CharField(max_length=40)
    values = serializers.ListField(child=serializers.CharField(max_length=40), max_length=50)


class MeterOutput(serializers.ModelSerializer[Meter]):
    """A meter, with the events that gave it no value."""

    id = serializers.CharField(source="public_id", read_only=True)
    filters = FilterShape(many=True, read_only=True)
    group_by = DimensionShape(many=True, read_only=True)
    not_counted = MeterErrorOutput(source="errors", many=True, read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Meter
        fields = (
            "id",
            "key",
            "name",
            "unit",
            "source",
            "property_name",
            "aggregation",
            "filters",
            "group_by",
            "conversion",
            "conversion_factor",
            "rounding",
            "rounding_places",
            "window_s",
            "watermark_delay_s",
            "created_at",
            "archived_at",
            "not_counted",
        )
        read_only_fields = fields


class MeterChangesInput(serializers.Serializer[dict[str, Any]]):
    """Fields to change; those left out stay as they are."""

    name = serializers.CharField(max_length=80, required=False)
    unit = serializers.CharField(max_length=40, required=False, allow_blank=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # the meter's, not the field's
        choices=MeterSource.choices, required=False
    )
    property_name = serializers.CharField(max_length=40, required=False, allow_blank=True)
    aggregation = serializers.ChoiceField(choices=Aggregation.choices, required=False)
    filters = FilterShape(many=True, required=False)
    group_by = DimensionShape(many=True, required=False)
    conversion = serializers.ChoiceField(
        choices=UnitConversion.choices, required=False, allow_blank=True
    )
    conversion_factor = serializers.DecimalField(
        max_digits=30, decimal_places=12, required=False, min_value=Decimal("1e-12")
    )
    rounding = serializers.ChoiceField(choices=UnitRounding.choices, required=False)
    rounding_places = serializers.IntegerField(min_value=-6, max_value=12, required=False)
    window_s = serializers.ChoiceField(choices=WindowSize.choices, required=False)
    watermark_delay_s = serializers.IntegerField(
        min_value=0, max_value=MAX_WATERMARK_DELAY_S, required=False,
        help_text=f"Default {DEFAULT_WATERMARK_DELAY_S}.",
    )  # fmt: skip


class MeterInput(MeterChangesInput):
    """A new meter. Its key names it in prices, and never changes."""

    key = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=80)


class CountOfEvents(serializers.Serializer[tuple[str, int]]):
    """How many events."""

    what = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()

    def get_what(self, pair: tuple[str, int]) -> str:
        """What they have in common."""
        return pair[0]

    def get_events(self, pair: tuple[str, int]) -> int:
        """Their number."""
        return pair[1]


class MeterSampleOutput(serializers.Serializer[Any]):
    """What a meter makes of the API's last events."""

    events = serializers.IntegerField()
    counted = serializers.IntegerField()
    quantity = serializers.DecimalField(max_digits=50, decimal_places=12)
    units = serializers.DecimalField(max_digits=50, decimal_places=12)
    problems = CountOfEvents(many=True)
    groups = CountOfEvents(many=True)

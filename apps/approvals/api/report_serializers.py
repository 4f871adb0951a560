"""Figures about the queue as the endpoints answer them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


def _hours() -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=12, decimal_places=2, allow_null=True, read_only=True
    )


class CountsOutput(serializers.Serializer[Any]):
    """What waits: all of it, what is late, what nobody has, what the caller has."""

    open = serializers.IntegerField(read_only=True)
    overdue = serializers.IntegerField(read_only=True)
    unassigned = serializers.IntegerField(read_only=True)
    mine = serializers.IntegerField(read_only=True)


class DurationsOutput(serializers.Serializer[Any]):
    """Hours of the wall clock."""

    mean_hours = _hours()
    median_hours = _hours()
    p90_hours = _hours()


class DayOutput(serializers.Serializer[Any]):
    """One day of UTC."""

    day = serializers.DateField(read_only=True)
    requested = serializers.IntegerField(read_only=True)
    decided = serializers.IntegerField(read_only=True)


class StatisticsOutput(serializers.Serializer[Any]):
    """Requests made in the range by state, and decisions taken in it."""

    since = serializers.DateTimeField(read_only=True)
    until = serializers.DateTimeField(read_only=True)
    requested = serializers.IntegerField(read_only=True)
    by_status = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    by_subject_type = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    by_priority = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    decided = serializers.IntegerField(read_only=True)
    decided_in_time = serializers.IntegerField(read_only=True)
    sla_compliance = serializers.DecimalField(
        max_digits=5, decimal_places=2, allow_null=True, read_only=True
    )
    to_decision = DurationsOutput(read_only=True)
    median_response_hours = _hours()
    days = DayOutput(many=True, read_only=True)


class BulkResultOutput(serializers.Serializer[Any]):
    """What became of one request; `code` and `detail` say why it failed."""

    id = serializers.CharField(read_only=True)
    outcome = serializers.CharField(read_only=True)
    code = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


class BulkOutput(serializers.Serializer[Any]):
    """One result per id, in their order, and how many of each."""

    done = serializers.IntegerField(read_only=True)
    failed = serializers.IntegerField(read_only=True)
    results = BulkResultOutput(many=True, read_only=True)


class CalendarOutput(serializers.Serializer[Any]):
    """The working hours."""

    timezone = serializers.CharField(read_only=True)
    weekday_hours = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), read_only=True
    )
    holidays = serializers.ListField(child=serializers.CharField(), read_only=True)

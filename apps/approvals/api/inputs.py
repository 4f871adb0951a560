"""What the approval endpoints take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.approvals.attachments import MAX_FILES
from apps.approvals.enums import REVIEW_ROLES, BulkDecision, Priority
from apps.approvals.services.bulk import MAX_BULK
from apps.approvals.services.decisions import MAX_CONDITION_LENGTH, MAX_CONDITIONS
from apps.core import clock

MAX_COMMENT_LENGTH: Final = 5000
DEFAULT_RANGE: Final = timedelta(days=30)
MAX_RANGE: Final = timedelta(days=732)

Fields = dict[str, Any]


class ReasonInput(serializers.Serializer[Fields]):
    """A move that must be explained."""

    comment = serializers.CharField(max_length=MAX_COMMENT_LENGTH)


class ApproveInput(ReasonInput):
    """A yes, with what the requester has to do beside."""

    conditions = serializers.ListField(
        child=serializers.CharField(max_length=MAX_CONDITION_LENGTH),
        max_length=MAX_CONDITIONS,
        default=list,
    )


class EscalateInput(ReasonInput):
    """Why, and to whom: a role, by default the SLA policy's, or one person."""

    to_role = serializers.ChoiceField(
        choices=[(role.value, role.label) for role in REVIEW_ROLES], required=False
    )
    assignee = serializers.CharField(max_length=60, required=False)


class AssignInput(serializers.Serializer[Fields]):
    """A person's public id, `me`, or null to give it back to the queue."""

    assignee = serializers.CharField(max_length=60, allow_null=True)


class PriorityInput(serializers.Serializer[Fields]):
    """How urgent it is from now on."""

    priority = serializers.ChoiceField(choices=Priority.choices)
    comment = serializers.CharField(max_length=MAX_COMMENT_LENGTH, allow_blank=True, default="")


class AnswerInput(ReasonInput):
    """An answer or a public comment, with files."""

    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), max_length=MAX_FILES, default=list
    )


class CommentInput(AnswerInput):
    """Something said; internal comments stay in the back office."""

    is_internal = serializers.BooleanField(default=False)


class BulkInput(serializers.Serializer[Fields]):
    """One decision about many requests."""

    ids = serializers.ListField(
        child=serializers.CharField(max_length=60), min_length=1, max_length=MAX_BULK
    )
    decision = serializers.ChoiceField(choices=BulkDecision.choices)
    comment = serializers.CharField(max_length=MAX_COMMENT_LENGTH, allow_blank=True, default="")
    assignee = serializers.CharField(max_length=60, required=False)


class StatisticsQuery(serializers.Serializer[Fields]):
    """A half-open range of time, by default the last 30 days, and a subject type."""

    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    subject_type = serializers.CharField(
        max_length=60, required=False, allow_blank=True, default=""
    )

    def validate(self, attrs: Fields) -> Fields:
        """Fill what was left out and refuse ranges that are reversed or too long."""
        until = attrs.get("until") or clock.now()
        since = attrs.get("since") or until - DEFAULT_RANGE
        if not since < until:
            raise serializers.ValidationError({"since": _("It must be before `until`.")})
        if until - since > MAX_RANGE:
            raise serializers.ValidationError({"since": _("At most two years can be computed.")})
        return {**attrs, "since": since, "until": until}


class CalendarInput(serializers.Serializer[Fields]):
    """The working hours: `{"mon": ["09:00-12:00", "13:00-17:00"]}`, and ISO dates."""

    timezone = serializers.CharField(max_length=64)
    weekday_hours = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=13), max_length=8)
    )
    holidays = serializers.ListField(
        child=serializers.CharField(max_length=10), max_length=400, default=list
    )

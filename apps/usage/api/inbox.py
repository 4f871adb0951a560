"""How events are doing, for operators."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.core.letter_box import count_dead_letters
from apps.usage.selectors.inbox import inbox_standing


class InboxOutput(serializers.Serializer[Any]):
    """What waits, and what came in the last hour; times are seconds."""

    pending = serializers.IntegerField()
    failed = serializers.IntegerField()
    oldest_pending_s = serializers.FloatField()
    events = serializers.IntegerField()
    batches = serializers.IntegerField()
    rejected = serializers.IntegerField()
    worst_lag_s = serializers.FloatField()
    usual_lag_s = serializers.FloatField()


class LetterCountsOutput(serializers.Serializer[Any]):
    """Dead letters of a source by state."""

    source = serializers.CharField()  # type: ignore[assignment]  # shadows a property we do not use
    open = serializers.IntegerField()
    retried = serializers.IntegerField()
    discarded = serializers.IntegerField()


class EventStatsOutput(serializers.Serializer[Any]):
    """The inbox and the dead letters."""

    inbox = InboxOutput()
    dead_letters = LetterCountsOutput(many=True)


class EventStatsView(ApiView):
    """How events are doing."""

    method_permissions: ClassVar = {"GET": "staff:operator"}

    @extend_schema(responses=EventStatsOutput, tags=["admin"])
    def get(self, _request: Request) -> Response:
        """Return backlog, lag and failures, and dead letters by source and state."""
        body = {
            "inbox": asdict(inbox_standing()),
            "dead_letters": [asdict(counts) for counts in count_dead_letters()],
        }
        return Response(EventStatsOutput(body).data)

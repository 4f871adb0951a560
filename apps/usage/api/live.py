"""The last minutes over REST."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.usage.api.serializers import UsageEventSerializer
from apps.usage.selectors.live import (
    LiveCalls,
    LiveStep,
    live_calls_of_consumer,
    live_calls_of_everybody,
    live_calls_of_provider,
)

NO_STORE = {"Cache-Control": "no-store"}


class LiveStepOutput(serializers.Serializer[LiveStep]):
    """Ten seconds. `errors` have a status of 400 and above; `p95_ms` is null without a completed call."""

    at = serializers.DateTimeField()
    calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # a field of that name
    p95_ms = serializers.IntegerField(allow_null=True)


class LiveUsageOutput(serializers.Serializer[LiveCalls]):
    """The last five minutes. All calls before `complete_until` (real time) are in it; newer ones may be on their way.

    `read_from` is later than `period_start` where there were more calls than are read.
    """

    period_start = serializers.DateTimeField(source="period.start")
    period_end = serializers.DateTimeField(source="period.end")
    as_of = serializers.DateTimeField()
    complete_until = serializers.DateTimeField()
    read_from = serializers.DateTimeField()
    total = LiveStepOutput()
    steps = LiveStepOutput(many=True)
    newest = UsageEventSerializer(many=True)


class UsageLiveView(ApiView):
    """What the organization calls right now."""

    method_permissions: ClassVar = {"GET": "usage.read"}

    @extend_schema(responses=LiveUsageOutput)
    def get(self, _request: Request) -> Response:
        """Return the last five minutes per ten seconds, in sum, and the newest calls."""
        return Response(LiveUsageOutput(live_calls_of_consumer(self.actor)).data, headers=NO_STORE)


class ProviderUsageLiveView(ApiView):
    """How the organization's APIs are called right now."""

    method_permissions: ClassVar = {"GET": "apis.read"}

    @extend_schema(responses=LiveUsageOutput)
    def get(self, _request: Request) -> Response:
        """Return the last five minutes per ten seconds, in sum, and the newest calls."""
        return Response(LiveUsageOutput(live_calls_of_provider(self.actor)).data, headers=NO_STORE)


class AdminUsageLiveView(ApiView):
    """What everybody calls right now."""

    method_permissions: ClassVar = {"GET": "staff:operator"}

    @extend_schema(responses=LiveUsageOutput)
    def get(self, _request: Request) -> Response:
        """Return the last five minutes of all calls of our gateway."""
        return Response(LiveUsageOutput(live_calls_of_everybody()).data, headers=NO_STORE)

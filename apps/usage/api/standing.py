"""Where a subscription stands over REST: used, left, the pace, when the quota runs out, and what was warned of."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.subscriptions.selectors import get_subscription
from apps.usage.models import UsageAlert
from apps.usage.standing import SubscriptionUsage, subscription_usage, warnings_of


class PaceOutput(serializers.Serializer[SubscriptionUsage]):
    """How fast calls are made: the average of the last 7 days, or since the subscription began if that is shorter."""

    calls = serializers.IntegerField(source="pace_calls")
    since = serializers.DateTimeField(source="pace_span.start")
    until = serializers.DateTimeField(source="pace_span.end")
    calls_per_day = serializers.IntegerField()
    method = serializers.SerializerMethodField()

    def get_method(self, usage: SubscriptionUsage) -> str:
        """Return `last_7_days` or `since_start`."""
        return "last_7_days" if usage.is_whole_week else "since_start"


class UsageWarningOutput(serializers.ModelSerializer[UsageAlert]):
    """A warning that was sent in this period."""

    class Meta:
        """Explicit fields only."""

        model = UsageAlert
        fields = ("kind", "threshold_percent", "bound_calls", "used_calls", "created_at")
        read_only_fields = fields


class SubscriptionStandingOutput(serializers.Serializer[Any]):
    """Used and left of the quota in the period that runs, as the subscription's page shows it.

    `limit` and `remaining` are null without a quota. `exhausted_at` is when the quota is used up at the pace: null when
    it lasts beyond the period, and a moment that has passed when it is used up.
    """

    subscription_id = serializers.CharField()
    used = serializers.IntegerField(source="usage.quota.used")
    limit = serializers.IntegerField(source="usage.quota.limit", allow_null=True)
    remaining = serializers.IntegerField(source="usage.quota.remaining", allow_null=True)
    is_hard = serializers.BooleanField(source="usage.quota.is_hard")
    period_start = serializers.DateTimeField(source="usage.quota.period.start")
    resets_at = serializers.DateTimeField(source="usage.resets_at")
    pace = PaceOutput(source="usage")
    exhausted_at = serializers.DateTimeField(source="usage.exhausted_at", allow_null=True)
    warnings = UsageWarningOutput(many=True)


class SubscriptionUsageView(ApiView):
    """Where a subscription stands."""

    method_permissions: ClassVar = {"GET": "subscriptions.read"}

    @extend_schema(responses=SubscriptionStandingOutput)
    def get(self, _request: Request, subscription_id: str) -> Response:
        """Show used, limit, remaining, reset, the pace and when the quota runs out at it, and this period's warnings."""
        row = get_subscription(self.actor, subscription_id)
        usage = subscription_usage(row)
        body = {
            "subscription_id": row.public_id,
            "usage": usage,
            "warnings": warnings_of(row, usage.quota.period),
        }
        return Response(SubscriptionStandingOutput(body).data)

"""Shapes of quotas, spend caps and top-ups."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import MoneyField
from apps.gateway.quotas import LiveQuota, live_quotas
from apps.gateway.store.live import WindowStanding
from apps.subscriptions.models import QuotaTopUp
from apps.usage.caps import CapStanding, cap_amount_of


class WindowOutput(serializers.Serializer[WindowStanding]):
    """A rate limit now: the sliding estimate that the gateway decides by."""

    name = serializers.CharField(source="limit.name")
    limit = serializers.IntegerField(source="limit.max")
    window_s = serializers.IntegerField(source="limit.window_s")
    used = serializers.IntegerField()
    remaining = serializers.IntegerField()
    resets_in_ms = serializers.IntegerField(source="reset_ms")


class QuotaCapOutput(serializers.Serializer[LiveQuota]):
    """The consumer's spend cap as a number of calls."""

    amount = serializers.SerializerMethodField()
    calls = serializers.IntegerField(source="spend_calls")
    remaining_calls = serializers.IntegerField(source="spend_remaining")

    @extend_schema_field(MoneyField(allow_null=True))
    def get_amount(self, quota: LiveQuota) -> dict[str, Any] | None:
        """Return the cap as money."""
        amount = cap_amount_of(quota.subscription_id)
        return None if amount is None else MoneyField().to_representation(amount)


class QuotaListSerializer(serializers.ListSerializer[Any]):
    """Reads the standings of a page of subscriptions together."""

    def to_representation(self, data: Any) -> Any:
        """Leave out those that are not at the gateway."""
        found = live_quotas(data)
        standings = (found.get(row.public_id) for row in data)
        return [quota_body(item) for item in standings if item is not None]


class LiveQuotaOutput(serializers.Serializer[LiveQuota]):
    """Used and left in the period that runs. `limit` and `remaining` are null without a quota.

    `used` counts calls that were let through, less those given back. `stop_reason` is the code with which the next
    call is refused, or null. `source` is `store` (the gateway's own counters) or `database` (seconds behind).
    """

    subscription_id = serializers.CharField()
    used = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    remaining = serializers.IntegerField(allow_null=True)
    extra = serializers.IntegerField(help_text="Calls granted on top of the plan's quota.")
    kind = serializers.ChoiceField(choices=["hard", "soft", "none"])
    stop_reason = serializers.CharField(allow_null=True)
    period_start = serializers.DateTimeField(source="period.start")
    resets_at = serializers.DateTimeField(source="period.end")
    resets_in_s = serializers.IntegerField()
    spend_cap = serializers.SerializerMethodField()
    windows = WindowOutput(many=True)
    source = serializers.ChoiceField(choices=["store", "database"])  # type: ignore[assignment]  # a field of that name

    class Meta:
        """Lists read together."""

        list_serializer_class: ClassVar = QuotaListSerializer

    @extend_schema_field(QuotaCapOutput(allow_null=True))
    def get_spend_cap(self, quota: LiveQuota) -> dict[str, Any] | None:
        """Return the cap; null where none is set, or no number of calls reaches it."""
        return None if quota.spend_calls is None else dict(QuotaCapOutput(quota).data)


class KeyQuotaOutput(serializers.Serializer[Any]):
    """A key's own limits, and the quota that it shares with its subscription's other keys."""

    key_id = serializers.CharField()
    windows = WindowOutput(many=True, help_text="The key's own limits.")
    quota = LiveQuotaOutput()


class SpendCapInput(serializers.Serializer[Any]):
    """The most that a period may cost, before tax, in the plan's currency."""

    amount = MoneyField()


class SpendCapOutput(serializers.Serializer[CapStanding]):
    """The cap, what is spent of it, and what that is in calls. `calls` is null where no number of calls reaches it."""

    amount = MoneyField()
    spent = MoneyField(help_text="This period, fees that are due anyway included; before tax.")
    calls = serializers.IntegerField(allow_null=True)
    remaining_calls = serializers.IntegerField(allow_null=True)
    set_at = serializers.DateTimeField()


class TopUpInput(serializers.Serializer[Any]):
    """How many calls, and why."""

    calls = serializers.IntegerField()
    reason = serializers.CharField(max_length=500)


class TopUpOutput(serializers.ModelSerializer[QuotaTopUp]):
    """Calls that were granted on top of a quota."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = QuotaTopUp
        fields = ("id", "calls", "reason", "granted_by", "period_start", "period_end", "created_at")
        read_only_fields = fields


def quota_body(quota: LiveQuota) -> dict[str, Any]:
    """Return one standing as the endpoints answer it."""
    return dict(LiveQuotaOutput(quota).data)

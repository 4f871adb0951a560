"""What the endpoints of this app take and answer. Each side of a subscription reads its own fields."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.subscriptions.models import Subscription, SubscriptionChange
from apps.subscriptions.selectors import QuotaStanding, quota_standing

NOW, PERIOD_END = "now", "period_end"


class SubscribeInput(serializers.Serializer[Any]):
    """Which plan, for which workspace (the caller's own unless another one is named)."""

    plan = serializers.CharField(help_text="Public id of the plan, `pln_…`.")
    workspace = serializers.CharField(
        required=False, help_text="Public id of a workspace, `wsp_…`."
    )


class ReasonInput(serializers.Serializer[Any]):
    """Why; shown to the other side where there is one."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class CancelInput(ReasonInput):
    """When it ends: `now`, or `period_end` (then it works until then)."""

    at = serializers.ChoiceField(choices=[NOW, PERIOD_END], default=PERIOD_END)


class QuotaOutput(serializers.Serializer[QuotaStanding]):
    """Used calls of this period; `limit` and `remaining` are null without a quota."""

    used = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    remaining = serializers.IntegerField(allow_null=True)
    is_hard = serializers.BooleanField()
    period_start = serializers.DateTimeField(source="period.start")
    period_end = serializers.DateTimeField(source="period.end")


class SubscriptionOutput(serializers.ModelSerializer[Subscription]):
    """A subscription as its consumer reads it."""

    id = serializers.CharField(source="public_id", read_only=True)
    api = serializers.CharField(source="api.public_id", read_only=True)
    api_slug = serializers.CharField(source="api.slug", read_only=True)
    plan = serializers.CharField(source="plan.public_id", read_only=True)
    plan_name = serializers.CharField(source="plan.name", read_only=True)
    price_version = serializers.CharField(source="price_version.public_id", read_only=True)
    workspace = serializers.CharField(source="workspace.public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Subscription
        fields: tuple[str, ...] = (
            "id",
            "api",
            "api_slug",
            "plan",
            "plan_name",
            "price_version",
            "workspace",
            "status",
            "status_reason",
            "anchor",
            "timezone",
            "started_at",
            "trial_ends_at",
            "cancel_at_period_end",
            "ends_at",
            "ended_at",
            "created_at",
        )
        read_only_fields = fields


class SubscriptionDetailOutput(SubscriptionOutput):
    """One subscription with its quota."""

    quota = serializers.SerializerMethodField()

    class Meta(SubscriptionOutput.Meta):
        """The list's fields and the quota."""

        fields = (*SubscriptionOutput.Meta.fields, "quota")
        read_only_fields = fields

    @extend_schema_field(QuotaOutput)
    def get_quota(self, subscription: Subscription) -> dict[str, Any]:
        """Return used and limit of the current period."""
        return dict(QuotaOutput(quota_standing(subscription)).data)


class SubscriberOutput(serializers.ModelSerializer[Subscription]):
    """A subscription as the API's provider reads it: who and which plan, no addresses."""

    id = serializers.CharField(source="public_id", read_only=True)
    api = serializers.CharField(source="api.public_id", read_only=True)
    plan = serializers.CharField(source="plan.public_id", read_only=True)
    plan_name = serializers.CharField(source="plan.name", read_only=True)
    subscriber = serializers.CharField(source="consumer_organization.name", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Subscription
        fields = (
            "id",
            "api",
            "plan",
            "plan_name",
            "subscriber",
            "status",
            "status_reason",
            "started_at",
            "trial_ends_at",
            "ends_at",
            "ended_at",
            "created_at",
        )
        read_only_fields = fields


class ChangeOutput(serializers.ModelSerializer[SubscriptionChange]):
    """One change of a subscription."""

    class Meta:
        """Explicit fields only."""

        model = SubscriptionChange
        fields = ("kind", "before", "after", "effective_at", "actor_label", "reason", "created_at")
        read_only_fields = fields

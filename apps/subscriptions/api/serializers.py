"""What the endpoints of this app take and answer. Each side of a subscription reads its own fields."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.approvals.models import ApprovalRequest
from apps.core.api.fields import MoneyField
from apps.pricing.selectors import features_of
from apps.subscriptions.access_requests import find_access_request
from apps.subscriptions.api.change_serializers import PlannedChangeOutput
from apps.subscriptions.models import Subscription, SubscriptionChange
from apps.subscriptions.planned_changes import find_planned_change
from apps.subscriptions.selectors import QuotaStanding, quota_standing

NOW, PERIOD_END = "now", "period_end"
COMMENT_LENGTH = 5000


class SubscribeInput(serializers.Serializer[Any]):
    """Which plan, for which workspace (the caller's own unless another one is named)."""

    plan = serializers.CharField(help_text="Public id of the plan, `pln_…`.")
    workspace = serializers.CharField(
        required=False, help_text="Public id of a workspace, `wsp_…`."
    )
    currency = serializers.CharField(
        max_length=3,
        required=False,
        help_text="One of the plan's currencies; left out: the organization's own if the plan has it, "
        "else the plan's default.",
    )
    promotion_code = serializers.CharField(
        required=False,
        max_length=40,
        allow_blank=True,
        default="",
        help_text="A promotion to begin with; if it is refused, nothing is subscribed.",
    )


class ReasonInput(serializers.Serializer[Any]):
    """Why; shown to the other side where there is one."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AcceptInput(serializers.Serializer[Any]):
    """What the consumer reads beside; by default that it was accepted."""

    comment = serializers.CharField(
        max_length=COMMENT_LENGTH, required=False, allow_blank=True, default=""
    )


class DeclineInput(serializers.Serializer[Any]):
    """Why; the consumer reads it."""

    reason = serializers.CharField(max_length=500)


class QuestionInput(serializers.Serializer[Any]):
    """What the provider wants to know first."""

    question = serializers.CharField(max_length=COMMENT_LENGTH)


class AnswerProviderInput(serializers.Serializer[Any]):
    """The answer to the provider's question."""

    answer = serializers.CharField(max_length=COMMENT_LENGTH)


class CancelInput(ReasonInput):
    """When it ends: `now`, or `period_end` (then it works until then)."""

    at = serializers.ChoiceField(choices=[NOW, PERIOD_END], default=PERIOD_END)
    feedback = serializers.CharField(
        max_length=2000,
        required=False,
        allow_blank=True,
        default="",
        help_text="What would have kept you; only the marketplace's operator reads it.",
    )


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
    auto_renew = serializers.BooleanField(
        source="auto_renews",
        read_only=True,
        help_text="Whether it goes on by itself after the running period, or after its fixed term; cancelling at the "
        "end of the period switches it off.",
    )
    can_switch_renewal = serializers.BooleanField(
        read_only=True, help_text="Whether `auto_renew` may be chosen, as fixed terms may allow."
    )

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
            "quantity",
            "workspace",
            "status",
            "status_reason",
            "anchor",
            "timezone",
            "started_at",
            "trial_ends_at",
            "trial_converts",
            "trial_needs_card",
            "cancel_at_period_end",
            "auto_renew",
            "can_switch_renewal",
            "term_periods",
            "term_ends_at",
            "ends_at",
            "ended_at",
            "created_at",
        )
        read_only_fields = fields


class AccessRequestOutput(serializers.ModelSerializer[ApprovalRequest]):
    """The provider's decision: more about it is at `/api/v1/approvals/{id}`."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApprovalRequest
        fields = ("id", "status", "due_at", "expires_at", "decided_at", "decision_comment")
        read_only_fields = fields


class _WithApproval(serializers.Serializer[Subscription]):
    """Adds the request about a subscription whose plan needs approval."""

    approval = serializers.SerializerMethodField()

    @extend_schema_field(AccessRequestOutput(allow_null=True))
    def get_approval(self, subscription: Subscription) -> Any:
        """Return the request; null where nobody was asked."""
        found = find_access_request(subscription)
        return AccessRequestOutput(found).data if found else None


class SubscriptionDetailOutput(_WithApproval, SubscriptionOutput):
    """One subscription with its quota, a change of plan that waits, and its provider's decision."""

    quota = serializers.SerializerMethodField()
    features = serializers.SerializerMethodField()
    scheduled_change = serializers.SerializerMethodField()

    class Meta(SubscriptionOutput.Meta):
        """The list's fields, the quota, the planned change and the decision."""

        fields = (
            *SubscriptionOutput.Meta.fields,
            "quota",
            "features",
            "scheduled_change",
            "approval",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_features(self, subscription: Subscription) -> list[str]:
        """Return the keys of what its price version can do beside calls."""
        return [feature.key for feature in features_of(subscription.price_version)]

    @extend_schema_field(QuotaOutput)
    def get_quota(self, subscription: Subscription) -> dict[str, Any]:
        """Return used and limit of the current period."""
        return dict(QuotaOutput(quota_standing(subscription)).data)

    @extend_schema_field(PlannedChangeOutput(allow_null=True))
    def get_scheduled_change(self, subscription: Subscription) -> Any:
        """Return the change that waits for the end of the period; null where none does."""
        found = find_planned_change(subscription)
        return PlannedChangeOutput(found).data if found else None


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
        fields: tuple[str, ...] = (
            "id",
            "api",
            "plan",
            "plan_name",
            "quantity",
            "subscriber",
            "status",
            "status_reason",
            "started_at",
            "trial_ends_at",
            "trial_converts",
            "trial_needs_card",
            "term_periods",
            "term_ends_at",
            "term_renews",
            "ends_at",
            "ended_at",
            "created_at",
        )
        read_only_fields = fields


class SubscriberDetailOutput(_WithApproval, SubscriberOutput):
    """One subscriber with what the provider decides or decided."""

    class Meta(SubscriberOutput.Meta):
        """The list's fields and the decision."""

        fields = (*SubscriberOutput.Meta.fields, "approval")
        read_only_fields = fields


class SubscriberChangeOutput(serializers.ModelSerializer[SubscriptionChange]):
    """One change of a subscription, as the API's provider reads it. `net` is null where no plan changed."""

    net = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = SubscriptionChange
        fields: tuple[str, ...] = (
            "kind",
            "before",
            "after",
            "net",
            "effective_at",
            "reason",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(MoneyField(allow_null=True))
    def get_net(self, change: SubscriptionChange) -> Any:
        """Return what the change added to the invoice of its day, before tax; negative is credit."""
        return None if change.net is None else MoneyField().to_representation(change.net)


class ChangeOutput(SubscriberChangeOutput):
    """One change of a subscription. `quote` holds the lines of a change of plan, as they were previewed."""

    class Meta(SubscriberChangeOutput.Meta):
        """With who did it, and the lines."""

        fields = (*SubscriberChangeOutput.Meta.fields, "actor_label", "quote")
        read_only_fields = fields

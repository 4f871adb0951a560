"""What previews and changes of plan take and answer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import MoneyField
from apps.subscriptions.cancellation_quotes import CancellationQuote
from apps.subscriptions.change_discounts import QuotedDiscount
from apps.subscriptions.change_fees import QuotedFee
from apps.subscriptions.change_quotes import ChangeQuote
from apps.subscriptions.change_terms import Terms
from apps.subscriptions.enums import ChangeTiming
from apps.subscriptions.models import PlannedChange


class PlanChangeInput(serializers.Serializer[Any]):
    """Another plan, another quantity, or both. `timing`: left out, more begins at once and less when the period ends."""

    plan = serializers.CharField(
        required=False, help_text="Public id, `pln_…`. Left out: the plan and its price stay."
    )
    quantity = serializers.IntegerField(
        required=False, min_value=1, help_text="Units. Left out: as many as now."
    )
    timing = serializers.ChoiceField(
        choices=[choice.value for choice in ChangeTiming],
        required=False,
        help_text="`now` or `period_end`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something is to change."""
        if "plan" not in attrs and "quantity" not in attrs:
            text = _("Give the plan, the quantity, or both.")
            detail = serializers.ErrorDetail(text, code="required")
            raise serializers.ValidationError({"plan": [detail], "quantity": [detail]})
        return attrs


class ApplyPlanChangeInput(PlanChangeInput):
    """The same, with the preview that was agreed to."""

    token = serializers.CharField(
        required=False,
        max_length=64,
        help_text="Of the preview: 409 `changed_meanwhile` where anything would differ from it.",
    )
    expected_net_minor = serializers.IntegerField(
        required=False, help_text="`net.amount_minor` of the preview, if you keep no token."
    )


class TermsOutput(serializers.Serializer[Terms]):
    """What a plan allows, for the units subscribed to; null is without limit."""

    plan = serializers.CharField(source="version.plan.public_id")
    plan_name = serializers.CharField(source="version.plan.name")
    price_version = serializers.CharField(source="version.public_id")
    quantity = serializers.IntegerField()
    interval = serializers.CharField(source="version.interval")
    interval_count = serializers.IntegerField(source="version.interval_count")
    quota_calls = serializers.IntegerField(allow_null=True)
    quota_kind = serializers.CharField(source="version.quota_kind")
    rate_per_second = serializers.IntegerField(source="version.rate_per_second", allow_null=True)
    rate_per_minute = serializers.IntegerField(source="version.rate_per_minute", allow_null=True)
    rate_per_hour = serializers.IntegerField(source="version.rate_per_hour", allow_null=True)
    rate_per_day = serializers.IntegerField(source="version.rate_per_day", allow_null=True)


class QuotedFeeOutput(serializers.Serializer[QuotedFee]):
    """One line. `due`: `now` on the invoice of the change, `closing` with the usage until it, `period_end` later."""

    plan_name = serializers.CharField()
    name = serializers.CharField()
    is_credit = serializers.BooleanField()
    billed_days = serializers.IntegerField()
    period_days = serializers.IntegerField()
    due = serializers.CharField(source="due.value")
    amount = serializers.SerializerMethodField()

    @extend_schema_field(MoneyField())
    def get_amount(self, fee: QuotedFee) -> Any:
        """Return the line's amount before tax, rounded once."""
        return MoneyField().to_representation(fee.amount(self.context["currency"]))


class QuotedDiscountOutput(serializers.Serializer[QuotedDiscount]):
    """What a promotion takes off fees, negative; or what is taken back of a discount with a fee that is given back, positive."""

    promotion = serializers.CharField(help_text="Public id, `prm_…`.")
    name = serializers.CharField()
    plan_name = serializers.CharField()
    is_returned = serializers.BooleanField()
    amount = serializers.SerializerMethodField()

    @extend_schema_field(MoneyField())
    def get_amount(self, discount: QuotedDiscount) -> Any:
        """Return the line's amount before tax."""
        return MoneyField().to_representation(discount.amount(self.context["currency"]))


class ChangeQuoteOutput(serializers.Serializer[ChangeQuote]):
    """What a change does and costs. `net` is before tax, `total` with it; what is negative becomes credit."""

    direction = serializers.CharField(source="direction.value")
    timing = serializers.CharField(source="timing.value")
    effective_at = serializers.DateTimeField(source="at")
    starts_period = serializers.BooleanField()
    period_end = serializers.DateTimeField(source="running_until")
    before = TermsOutput(source="old")
    after = TermsOutput(source="new")
    lines = serializers.SerializerMethodField()
    discounts = serializers.SerializerMethodField()
    net = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    later = MoneyField()
    fees_per_period = MoneyField()
    token = serializers.CharField()

    @extend_schema_field(QuotedFeeOutput(many=True))
    def get_lines(self, quote: ChangeQuote) -> Any:
        """Return every fee that the change moves."""
        context = {"currency": quote.currency}
        return [QuotedFeeOutput(fee, context=context).data for fee in quote.lines]

    @extend_schema_field(QuotedDiscountOutput(many=True))
    def get_discounts(self, quote: ChangeQuote) -> Any:
        """Return what promotions do to the fees that are due now."""
        context = {"currency": quote.currency}
        return [QuotedDiscountOutput(item, context=context).data for item in quote.discounts]


class PlannedChangeOutput(serializers.ModelSerializer[PlannedChange]):
    """A change that waits for the end of the period."""

    id = serializers.CharField(source="public_id", read_only=True)
    plan = serializers.CharField(source="plan.public_id", read_only=True)
    plan_name = serializers.CharField(source="plan.name", read_only=True)
    price_version = serializers.CharField(source="price_version.public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = PlannedChange
        fields = ("id", "plan", "plan_name", "price_version", "quantity", "due_at", "created_at")
        read_only_fields = fields


class CancellationQuoteOutput(serializers.Serializer[CancellationQuote]):
    """What cancelling at once gives back of fees paid in advance; amounts are positive, `total` is with tax."""

    policy = serializers.CharField(source="policy.value")
    at = serializers.DateTimeField()
    period_end = serializers.DateTimeField()
    lines = serializers.SerializerMethodField()
    discounts = serializers.SerializerMethodField()
    net = MoneyField()
    tax = MoneyField()
    total = MoneyField()

    @extend_schema_field(QuotedFeeOutput(many=True))
    def get_lines(self, quote: CancellationQuote) -> Any:
        """Return the fees with their unused days; each amount is a credit."""
        context = {"currency": quote.currency}
        return [QuotedFeeOutput(part.fee, context=context).data for part in quote.parts]

    @extend_schema_field(QuotedDiscountOutput(many=True))
    def get_discounts(self, quote: CancellationQuote) -> Any:
        """Return what is taken back of the fees' discounts."""
        context = {"currency": quote.currency}
        return [QuotedDiscountOutput(item, context=context).data for item in quote.discounts]

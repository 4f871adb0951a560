"""Promotions as a consumer meets them: whether a code holds, redeeming it, what a subscription has."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.core.api.fields import MoneyField
from apps.core.api.views import ApiView
from apps.core.rate_limits import take_turn
from apps.pricing.code_tries import CODE_TRIES
from apps.pricing.promotion_rules import WORDS, Reason
from apps.pricing.quotable_prices import get_quotable_version
from apps.pricing.selectors import get_choosable_plan
from apps.subscriptions import selectors, services
from apps.subscriptions.models import PromotionRedemption
from apps.subscriptions.promotions import Answer, answer_code, list_redemptions

READ: Final = "subscriptions.read"
MANAGE: Final = "subscriptions.manage"


class ValidateInput(serializers.Serializer[Any]):
    """A code, and what it would be redeemed for: a plan, or a subscription of the caller's."""

    code = serializers.CharField(max_length=40)
    plan = serializers.CharField(required=False, help_text="Public id of a plan, `pln_…`.")
    subscription = serializers.CharField(required=False, help_text="Public id, `sub_…`.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two is given."""
        if ("plan" in attrs) == ("subscription" in attrs):
            text = _("Give a plan or a subscription.")
            raise serializers.ValidationError({"plan": text}, code="one_of")
        return attrs


class CodeInput(serializers.Serializer[Any]):
    """The code that somebody enters."""

    code = serializers.CharField(max_length=40)


class PromotionSummaryOutput(serializers.Serializer[Any]):
    """A promotion as a customer reads it."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    kind = serializers.CharField()
    percent_off = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    amount_off_minor = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    free_units = serializers.DecimalField(
        max_digits=30, decimal_places=12, allow_null=True, normalize_output=True
    )
    tiers_up = serializers.IntegerField(allow_null=True)
    meter = serializers.CharField()
    periods = serializers.IntegerField(allow_null=True)


class ValidateOutput(serializers.Serializer[Answer]):
    """Whether the code holds; if not, why not, as a stable code and in words."""

    valid = serializers.SerializerMethodField()
    reason = serializers.CharField(source="refusal", allow_null=True)
    detail = serializers.SerializerMethodField()
    promotion = serializers.SerializerMethodField()

    def get_valid(self, answer: Answer) -> bool:
        """Return whether it could be redeemed now."""
        return answer.refusal is None

    def get_detail(self, answer: Answer) -> str:
        """Return the reason in words; empty for a yes."""
        return "" if answer.refusal is None else str(WORDS[Reason(answer.refusal)])

    @extend_schema_field(PromotionSummaryOutput(allow_null=True))
    def get_promotion(self, answer: Answer) -> Any:
        """Return what it is, where the code holds."""
        if answer.promotion is None or answer.refusal is not None:
            return None
        return PromotionSummaryOutput(answer.promotion).data


class RedemptionOutput(serializers.ModelSerializer[PromotionRedemption]):
    """A promotion that a subscription has."""

    id = serializers.CharField(source="public_id", read_only=True)
    promotion = PromotionSummaryOutput(read_only=True)
    amount_given = MoneyField(read_only=True)
    periods_left = serializers.IntegerField(read_only=True, allow_null=True)
    is_running = serializers.BooleanField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = PromotionRedemption
        fields = (
            "id",
            "promotion",
            "redeemed_at",
            "periods_used",
            "periods_left",
            "amount_given",
            "is_running",
        )
        read_only_fields = fields


class ValidatePromotionView(ApiView):
    """Says whether a code holds."""

    method_permissions = {"POST": READ}

    @extend_schema(request=ValidateInput, responses=ValidateOutput)
    def post(self, request: Request) -> Response:
        """Answer whether the caller's organization could redeem a code now, else why not. 429 after 20 in a minute."""
        values = self.validated(ValidateInput)
        take_turn(CODE_TRIES, request=request, actor=self.actor)
        organization = get_current_organization(self.actor)
        if "subscription" in values:
            held = selectors.get_subscription(self.actor, values["subscription"])
            plan, currency = held.plan, held.price_version.currency
        else:
            held = None
            plan = get_choosable_plan(self.actor, values["plan"])
            currency = get_quotable_version(self.actor, values["plan"]).currency
        answer = answer_code(
            code=values["code"],
            plan=plan,
            currency=currency,
            organization=organization,
            subscription=held,
        )
        return Response(ValidateOutput(answer).data)


class SubscriptionPromotionsView(ApiView):
    """The promotions of a subscription."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=RedemptionOutput(many=True))
    def get(self, _request: Request, subscription_id: str) -> Response:
        """List them, newest first, with what they gave and how long they last."""
        subscription = selectors.get_subscription(self.actor, subscription_id)
        return self.paginated(list_redemptions(subscription), RedemptionOutput)

    @extend_schema(request=CodeInput, responses={201: RedemptionOutput})
    def post(self, request: Request, subscription_id: str) -> Response:
        """Redeem a code; 422 `promotion_refused` gives the `reason`. 429 after 20 tries in a minute."""
        subscription = selectors.get_subscription(self.actor, subscription_id)
        code = self.validated(CodeInput)["code"]
        take_turn(CODE_TRIES, request=request, actor=self.actor)

        def redeem() -> object:
            made = services.redeem_promotion(subscription=subscription, code=code, actor=self.actor)
            return RedemptionOutput(made).data

        return self.created(request, redeem)


class SubscriptionPromotionView(ApiView):
    """One promotion of a subscription."""

    method_permissions = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, subscription_id: str, redemption_id: str) -> Response:
        """Take it off again; 409 `promotion_used` once it has lowered a bill."""
        subscription = selectors.get_subscription(self.actor, subscription_id)
        rows = PromotionRedemption.objects.filter(subscription=subscription)
        services.withdraw_redemption(
            redemption=rows.get_visible(self.actor, redemption_id), actor=self.actor
        )
        return Response(status=204)

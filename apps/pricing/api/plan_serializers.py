"""Plans as endpoints take and answer them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.pricing.api.serializers import PriceVersionOutput
from apps.pricing.enums import RefundPolicy, TermEnd, TrialEnd
from apps.pricing.models import (
    MAX_KEY_ROTATION_DAYS,
    MAX_QUANTITY,
    MAX_TERM_PERIODS,
    CatalogueModel,
    Plan,
)
from apps.pricing.selectors import current_version_of, current_versions_of

# --- in ------------------------------------------------------------------------------------------


class PlanFieldsInput(serializers.Serializer[Any]):
    """What a plan is called and whom it is for."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    is_private = serializers.BooleanField(required=False)
    requires_approval = serializers.BooleanField(required=False)
    trial_days = serializers.IntegerField(min_value=0, max_value=730, required=False)
    trial_requires_card = serializers.BooleanField(
        required=False, help_text="Whether a payment method must be saved before a trial begins."
    )
    trial_end = serializers.ChoiceField(choices=TrialEnd.choices, required=False)
    term_periods = serializers.IntegerField(
        min_value=1,
        max_value=MAX_TERM_PERIODS,
        required=False,
        allow_null=True,
        help_text="Billing periods that a subscription is made for; null: it goes on until somebody ends it.",
    )
    term_end = serializers.ChoiceField(
        choices=TermEnd.choices, required=False, help_text="What follows the fixed term."
    )
    term_end_optional = serializers.BooleanField(
        required=False, help_text="Whether subscribers may choose what follows the term."
    )
    key_limit = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    key_rotation_days = serializers.IntegerField(
        min_value=1, max_value=MAX_KEY_ROTATION_DAYS, required=False, allow_null=True
    )
    key_rotation_optional = serializers.BooleanField(required=False)
    key_max_days = serializers.IntegerField(
        min_value=1, max_value=3650, required=False, allow_null=True
    )
    max_quantity = serializers.IntegerField(
        min_value=1,
        max_value=MAX_QUANTITY,
        required=False,
        help_text="Units that one subscription may have; 1: the plan is not sold by quantity.",
    )
    refund_policy = serializers.ChoiceField(
        choices=RefundPolicy.choices,
        required=False,
        help_text="What of the fees paid in advance goes back when a subscription is cancelled at once.",
    )
    position = serializers.IntegerField(min_value=0, max_value=1000, required=False)


class PlanInput(PlanFieldsInput):
    """A new plan of an API."""

    api = serializers.CharField(help_text="Public id of the API, `api_…`.")


class PlanChangesInput(PlanFieldsInput):
    """Changed fields of a plan; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)


# --- out -----------------------------------------------------------------------------------------


class OfferOutput(serializers.ModelSerializer[Plan]):
    """A plan as anyone may read it."""

    id = serializers.CharField(source="public_id", read_only=True)
    api = serializers.CharField(source="api.public_id", read_only=True)
    price = serializers.SerializerMethodField()
    prices = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = Plan
        fields: tuple[str, ...] = (
            "id",
            "api",
            "name",
            "slug",
            "description",
            "requires_approval",
            "trial_days",
            "trial_requires_card",
            "trial_end",
            "term_periods",
            "term_end",
            "term_end_optional",
            "key_limit",
            "key_rotation_days",
            "key_rotation_optional",
            "key_max_days",
            "max_quantity",
            "refund_policy",
            "price",
            "prices",
        )
        read_only_fields = fields

    @extend_schema_field(PriceVersionOutput(allow_null=True))
    def get_price(self, plan: Plan) -> dict[str, Any] | None:
        """Return the current price version in the plan's default currency."""
        version = current_version_of(plan)
        return None if version is None else dict(PriceVersionOutput(version).data)

    @extend_schema_field(PriceVersionOutput(many=True))
    def get_prices(self, plan: Plan) -> list[dict[str, Any]]:
        """Return the current price version in each of its currencies, the default one first."""
        return [dict(PriceVersionOutput(row).data) for row in current_versions_of(plan)]


class PlanOutput(OfferOutput):
    """A plan as its provider reads it."""

    follows = serializers.SlugRelatedField[CatalogueModel](
        slug_field="key",
        read_only=True,
        help_text="The id of the pricing model whose price changes it takes over; null for none.",
    )

    class Meta(OfferOutput.Meta):
        """The offer, and what only its provider sees."""

        fields = (
            *OfferOutput.Meta.fields,
            "status",
            "is_private",
            "position",
            "follows",
            "created_at",
        )
        read_only_fields = fields

"""What the endpoints of this app take and answer. Prices are decimal strings in major units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.pricing.drafts import (
    DECIMAL_PLACES,
    ComponentDraft,
    FeatureDraft,
    PriceDraft,
    TierDraft,
)
from apps.pricing.enums import (
    Alignment,
    BillableStatuses,
    BillingInterval,
    PriceModel,
    QuotaKind,
    TrialEnd,
)
from apps.pricing.models import MAX_KEY_ROTATION_DAYS, Plan, PriceComponent, PriceVersion, Tier
from apps.pricing.selectors import current_version_of

MAX_DIGITS = 30


class PlainDecimalField(serializers.DecimalField):
    """A decimal string without trailing zeros and without exponent, as a person would write it."""

    def __init__(self, **options: Any) -> None:
        """Keep twelve places, like the tables."""
        super().__init__(max_digits=MAX_DIGITS, decimal_places=DECIMAL_PLACES, **options)

    def to_representation(self, value: Decimal) -> str:
        """Write `0.002`, not `0.002000000000`."""
        text = format(Decimal(value), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text


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
    key_limit = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    key_rotation_days = serializers.IntegerField(
        min_value=1, max_value=MAX_KEY_ROTATION_DAYS, required=False, allow_null=True
    )
    key_rotation_optional = serializers.BooleanField(required=False)
    key_max_days = serializers.IntegerField(
        min_value=1, max_value=3650, required=False, allow_null=True
    )
    position = serializers.IntegerField(min_value=0, max_value=1000, required=False)


class PlanInput(PlanFieldsInput):
    """A new plan of an API."""

    api = serializers.CharField(help_text="Public id of the API, `api_…`.")


class PlanChangesInput(PlanFieldsInput):
    """Changed fields of a plan; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)


class TierInput(serializers.Serializer[Any]):
    """A step of a ladder: the units in (previous `up_to`, `up_to`]; null is without end."""

    up_to = PlainDecimalField(allow_null=True)
    unit_price = PlainDecimalField()
    flat_fee = PlainDecimalField(required=False, default=Decimal(0))


class ComponentInput(serializers.Serializer[Any]):
    """One priced thing of a version."""

    meter = serializers.CharField(max_length=60, default="calls")
    name = serializers.CharField(max_length=80)
    model = serializers.ChoiceField(choices=PriceModel.choices)
    unit_price = PlainDecimalField(required=False, allow_null=True, default=None)
    flat_fee = PlainDecimalField(required=False, allow_null=True, default=None)
    free_units = PlainDecimalField(required=False, default=Decimal(0))
    package_size = PlainDecimalField(required=False, allow_null=True, default=None)
    billed_in_advance = serializers.BooleanField(required=False, default=False)
    tiers = TierInput(many=True, required=False, default=list)


class FeatureSerializer(serializers.Serializer[Any]):
    """Something that the plan can do beside calls."""

    key = serializers.CharField(max_length=60, help_text="For programs: `priority_support`.")
    label = serializers.CharField(  # type: ignore[assignment]  # the name of a member, not the field's own
        max_length=80, help_text="For people: `Priority support`."
    )


class PriceInput(serializers.Serializer[Any]):
    """What a plan costs and allows from some moment on."""

    currency = serializers.CharField(max_length=3)
    interval = serializers.ChoiceField(
        choices=BillingInterval.choices, default=BillingInterval.MONTH
    )
    interval_count = serializers.IntegerField(default=1)
    alignment = serializers.ChoiceField(choices=Alignment.choices, default=Alignment.ANNIVERSARY)
    features = FeatureSerializer(many=True, default=list)
    quota_calls = serializers.IntegerField(allow_null=True, default=None)
    quota_kind = serializers.ChoiceField(choices=QuotaKind.choices, default=QuotaKind.HARD)
    billable_statuses = serializers.ChoiceField(
        choices=BillableStatuses.choices,
        default=BillableStatuses.SUCCESS,
        help_text="Which answers of the upstream are billed; others give their quota back.",
    )
    rate_per_second = serializers.IntegerField(allow_null=True, default=None)
    rate_per_minute = serializers.IntegerField(allow_null=True, default=None)
    rate_per_hour = serializers.IntegerField(allow_null=True, default=None)
    rate_per_day = serializers.IntegerField(allow_null=True, default=None)
    components = ComponentInput(many=True, default=list)


def price_draft_of(values: dict[str, Any]) -> PriceDraft:
    """Turn validated input into the draft that the services take."""
    components = tuple(
        ComponentDraft(
            **{
                **component,
                "model": PriceModel(component["model"]),
                "tiers": tuple(TierDraft(**tier) for tier in component["tiers"]),
            }
        )
        for component in values["components"]
    )
    features = tuple(FeatureDraft(**feature) for feature in values["features"])
    return PriceDraft(**{**values, "components": components, "features": features})


# --- out -----------------------------------------------------------------------------------------


class TierOutput(serializers.ModelSerializer[Tier]):
    """A step of a ladder."""

    up_to = PlainDecimalField(read_only=True)
    unit_price = PlainDecimalField(read_only=True)
    flat_fee = PlainDecimalField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Tier
        fields = ("up_to", "unit_price", "flat_fee")
        read_only_fields = fields


class ComponentOutput(serializers.ModelSerializer[PriceComponent]):
    """One priced thing of a version."""

    unit_price = PlainDecimalField(read_only=True)
    flat_fee = PlainDecimalField(read_only=True)
    free_units = PlainDecimalField(read_only=True)
    package_size = PlainDecimalField(read_only=True)
    tiers = TierOutput(many=True, read_only=True)

    class Meta:
        """Explicit fields only."""

        model = PriceComponent
        fields = (
            "meter",
            "name",
            "model",
            "unit_price",
            "flat_fee",
            "free_units",
            "package_size",
            "billed_in_advance",
            "tiers",
        )
        read_only_fields = fields


class PriceVersionOutput(serializers.ModelSerializer[PriceVersion]):
    """What a plan costs and allows."""

    id = serializers.CharField(source="public_id", read_only=True)
    features = FeatureSerializer(many=True, read_only=True)
    components = ComponentOutput(many=True, read_only=True)

    class Meta:
        """Explicit fields only."""

        model = PriceVersion
        fields = (
            "id",
            "number",
            "currency",
            "interval",
            "interval_count",
            "alignment",
            "features",
            "quota_calls",
            "quota_kind",
            "billable_statuses",
            "rate_per_second",
            "rate_per_minute",
            "rate_per_hour",
            "rate_per_day",
            "is_current",
            "published_at",
            "components",
        )
        read_only_fields = fields


class OfferOutput(serializers.ModelSerializer[Plan]):
    """A plan as anyone may read it."""

    id = serializers.CharField(source="public_id", read_only=True)
    api = serializers.CharField(source="api.public_id", read_only=True)
    price = serializers.SerializerMethodField()

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
            "key_limit",
            "key_rotation_days",
            "key_rotation_optional",
            "key_max_days",
            "price",
        )
        read_only_fields = fields

    @extend_schema_field(PriceVersionOutput(allow_null=True))
    def get_price(self, plan: Plan) -> dict[str, Any] | None:
        """Return the current price version."""
        version = current_version_of(plan)
        return None if version is None else dict(PriceVersionOutput(version).data)


class PlanOutput(OfferOutput):
    """A plan as its provider reads it."""

    class Meta(OfferOutput.Meta):
        """The offer, and what only its provider sees."""

        fields = (*OfferOutput.Meta.fields, "status", "is_private", "position", "created_at")
        read_only_fields = fields

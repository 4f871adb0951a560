"""Price versions as endpoints take and answer them. Prices are decimal strings in major units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.pricing.component_drafts import PERCENTAGES
from apps.pricing.drafts import DECIMAL_PLACES, CurrencyPrice, FeatureDraft, PriceDraft
from apps.pricing.enums import (
    Alignment,
    BillableStatuses,
    BillingInterval,
    PriceModel,
    QuotaKind,
)
from apps.pricing.inline_prices import component_draft
from apps.pricing.models import PriceComponent, PriceVersion, Tier
from apps.pricing.quote_input import MAX_TIERS, ExactInput, QuoteComponentInput

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


class TierInput(ExactInput):
    """A step of a ladder: the units in (previous `up_to`, `up_to`]; null is without end."""

    up_to = PlainDecimalField(allow_null=True)
    unit_price = PlainDecimalField(required=False, allow_null=True)
    flat_fee = PlainDecimalField(required=False, allow_null=True)
    package_size = PlainDecimalField(required=False, allow_null=True)
    rate_percent = PlainDecimalField(required=False, allow_null=True)


class ComponentInput(QuoteComponentInput):
    """One priced thing of a version: the same fields as in a quote, and what only a plan has.

    `unit_price` is an older name of `package_price`; given both, they must agree.
    """

    meter = serializers.CharField(max_length=60, default="calls")  # type: ignore[assignment]  # the key is judged with the price
    name = serializers.CharField(max_length=80)
    model = serializers.ChoiceField(choices=PriceModel.choices)
    # What is out of range is named together with all other defects.
    unit_price = PlainDecimalField(required=False, allow_null=True)
    flat_fee = PlainDecimalField(required=False, allow_null=True)
    free_units = PlainDecimalField(required=False, allow_null=True)
    package_size = PlainDecimalField(required=False, allow_null=True)
    tiers = serializers.ListField(
        child=TierInput(), required=False, allow_null=True, max_length=MAX_TIERS
    )
    dimensions = serializers.DictField(
        child=serializers.CharField(max_length=200), required=False, allow_null=True
    )
    billed_in_advance = serializers.BooleanField(
        required=False,
        default=False,
        help_text="A flat fee is charged at the start of each period, not at its end.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask each tier for its price, and read the older name of a package's price."""
        wanted = "rate_percent" if attrs["model"] in PERCENTAGES else "unit_price"
        tiers = attrs.get("tiers") or []
        if any(tier.get(wanted) is None for tier in tiers):
            missing = serializers.ErrorDetail(str(_("This kind of price needs it.")), "required")
            errors = [{} if tier.get(wanted) is not None else {wanted: [missing]} for tier in tiers]
            raise serializers.ValidationError({"tiers": errors})
        if attrs["model"] == PriceModel.PACKAGE and attrs.get("unit_price") is not None:
            older = attrs["unit_price"]
            if attrs.get("package_price") in {None, older}:
                attrs = {**attrs, "unit_price": None, "package_price": older}
        return attrs


class FeatureSerializer(serializers.Serializer[Any]):
    """Something that the plan can do beside calls."""

    key = serializers.CharField(max_length=60, help_text="For programs: `priority_support`.")
    label = serializers.CharField(  # type: ignore[assignment]  # the name of a member, not the field's own
        max_length=80, help_text="For people: `Priority support`."
    )


class CurrencyPriceInput(serializers.Serializer[Any]):
    """What a price asks in one currency."""

    currency = serializers.CharField(max_length=3)
    components = ComponentInput(many=True, default=list)


class PriceInput(serializers.Serializer[Any]):
    """What a plan costs and allows from some moment on: in one currency, or in several side by side (`prices`)."""

    currency = serializers.CharField(max_length=3, required=False)
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
    prices = CurrencyPriceInput(
        many=True,
        required=False,
        help_text="In place of `currency` and `components`; the first one is the plan's default currency.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of the two forms."""
        if attrs.get("prices"):
            if attrs.get("currency") or attrs["components"]:
                raise serializers.ValidationError(
                    {"prices": _("Give either prices, or a currency with its components.")}
                )
        elif not attrs.get("currency"):
            raise serializers.ValidationError({"currency": _("This field is required.")})
        return attrs


def price_draft_of(values: dict[str, Any]) -> PriceDraft:
    """Turn validated input into the draft that the services take."""
    terms = {name: value for name, value in values.items() if name != "prices"}
    prices = values.get("prices") or [terms]
    first, *others = [
        CurrencyPrice(price["currency"], tuple(map(component_draft, price["components"])))
        for price in prices
    ]
    features = tuple(FeatureDraft(**feature) for feature in values["features"])
    return PriceDraft(
        **{
            **terms,
            "currency": first.currency,
            "components": first.components,
            "other_prices": tuple(others),
            "features": features,
        }
    )


# --- out -----------------------------------------------------------------------------------------


class TierOutput(serializers.ModelSerializer[Tier]):
    """A step of a ladder."""

    up_to = PlainDecimalField(read_only=True)
    unit_price = PlainDecimalField(read_only=True)
    flat_fee = PlainDecimalField(read_only=True)
    package_size = PlainDecimalField(read_only=True, allow_null=True)
    rate_percent = PlainDecimalField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Tier
        fields = ("up_to", "unit_price", "flat_fee", "package_size", "rate_percent")
        read_only_fields = fields


class ComponentOutput(serializers.ModelSerializer[PriceComponent]):
    """One priced thing of a version."""

    unit_price = PlainDecimalField(read_only=True)
    flat_fee = PlainDecimalField(read_only=True)
    free_units = PlainDecimalField(read_only=True)
    package_size = PlainDecimalField(read_only=True)
    package_price = serializers.SerializerMethodField()
    rate_percent = PlainDecimalField(read_only=True, allow_null=True)
    fixed_fee = PlainDecimalField(read_only=True, allow_null=True)
    free_amount = PlainDecimalField(read_only=True, allow_null=True)
    min_per_event = PlainDecimalField(read_only=True, allow_null=True)
    max_per_event = PlainDecimalField(read_only=True, allow_null=True)
    min_spend = PlainDecimalField(read_only=True, allow_null=True)
    max_spend = PlainDecimalField(read_only=True, allow_null=True)
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
            "package_price",
            "package_rounding",
            "rate_percent",
            "fixed_fee",
            "free_events",
            "free_amount",
            "min_per_event",
            "max_per_event",
            "min_spend",
            "max_spend",
            "dimensions",
            "conversion",
            "billed_in_advance",
            "tiers",
        )
        read_only_fields = fields

    def get_package_price(self, component: PriceComponent) -> str | None:
        """Return the price of a package; `unit_price` says the same under its older name."""
        if component.model != PriceModel.PACKAGE or component.unit_price is None:
            return None
        return PlainDecimalField().to_representation(component.unit_price)


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

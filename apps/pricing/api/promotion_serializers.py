"""What the endpoints of promotions take and answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.pricing.api.serializers import PlainDecimalField
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.models import Promotion
from apps.pricing.promotion_drafts import (
    PROMOTION_FIELDS,
    PromotionDraft,
    draft_of_promotion,
)

MANY = 200


class PromotionInput(serializers.Serializer[Any]):
    """A promotion as its owner wants it; what is left out has the default shown."""

    name = serializers.CharField(max_length=80, help_text="Stands on invoices.")
    kind = serializers.ChoiceField(choices=PromotionKind.choices)
    code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    is_automatic = serializers.BooleanField(required=False)
    percent_off = serializers.DecimalField(
        max_digits=12, decimal_places=6, required=False, allow_null=True
    )
    amount_off_minor = serializers.IntegerField(required=False, allow_null=True)
    currency = serializers.CharField(max_length=3, required=False, allow_blank=True)
    free_units = PlainDecimalField(required=False, allow_null=True)
    tiers_up = serializers.IntegerField(required=False, allow_null=True)
    meter = serializers.CharField(max_length=60, required=False, allow_blank=True)
    duration = serializers.ChoiceField(choices=PromotionDuration.choices, required=False)
    duration_periods = serializers.IntegerField(required=False, allow_null=True)
    priority = serializers.IntegerField(required=False)
    is_exclusive = serializers.BooleanField(required=False)
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    max_redemptions = serializers.IntegerField(required=False, allow_null=True)
    max_per_customer = serializers.IntegerField(required=False, allow_null=True)
    needs_first_subscription = serializers.BooleanField(required=False)
    min_account_age_days = serializers.IntegerField(required=False, allow_null=True)
    max_account_age_days = serializers.IntegerField(required=False, allow_null=True)
    min_calls = serializers.IntegerField(required=False, allow_null=True)
    countries = serializers.ListField(
        child=serializers.CharField(max_length=2), required=False, max_length=MANY
    )
    plans = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=MANY
    )
    categories = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=MANY
    )


class PromotionChangesInput(PromotionInput):
    """Changed fields of a promotion; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)
    kind = serializers.ChoiceField(choices=PromotionKind.choices, required=False)


def promotion_draft_of(
    values: dict[str, Any], present: PromotionDraft | None = None
) -> PromotionDraft:
    """Turn validated input into the draft that the services take; what it leaves out comes from `present`."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    for name, enum in (("kind", PromotionKind), ("duration", PromotionDuration)):
        if name in given:
            given[name] = enum(given[name])
    return PromotionDraft(**given) if present is None else replace(present, **given)


class PromotionOutput(serializers.ModelSerializer[Promotion]):
    """A promotion as its owner reads it."""

    id = serializers.CharField(source="public_id", read_only=True)
    percent_off = PlainDecimalField(read_only=True)
    free_units = PlainDecimalField(read_only=True)
    countries = serializers.ListField(child=serializers.CharField(), read_only=True)
    plans = serializers.SerializerMethodField()
    categories = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = Promotion
        fields = (
            "id",
            *PROMOTION_FIELDS,
            "plans",
            "categories",
            "is_active",
            "redemption_count",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_plans(self, promotion: Promotion) -> list[str]:
        """Return the public ids; none: every plan."""
        return list(draft_of_promotion(promotion).plans)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_categories(self, promotion: Promotion) -> list[str]:
        """Return the slugs; none: every category."""
        return [category.slug for category in promotion.categories.all()]

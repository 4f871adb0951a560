"""How the platform's own plans look over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.enums import PlatformFeature, PlatformLimit
from apps.accounts.platform_plans.definitions import PlatformPlan
from apps.accounts.platform_plans.gates import upgrade_url
from apps.accounts.platform_plans.overview import LimitUse, PlanOverview
from apps.accounts.platform_plans.registry import current_plans


class PlatformPriceOutput(serializers.Serializer[Any]):
    """What a plan costs a month or a year."""

    amount = serializers.CharField()
    currency = serializers.CharField()
    interval = serializers.CharField()


class PlatformPlanOutput(serializers.Serializer[PlatformPlan]):
    """One of the platform's plans. A limit of null is none."""

    key = serializers.CharField()
    name = serializers.CharField()
    summary = serializers.CharField()
    prices = PlatformPriceOutput(many=True)
    api_tier = serializers.SerializerMethodField()
    limits = serializers.SerializerMethodField()
    features = serializers.SerializerMethodField()

    def get_api_tier(self, plan: PlatformPlan) -> str:
        """Return the tier of the API's limits."""
        return plan.api_tier or "free"

    def get_limits(self, plan: PlatformPlan) -> dict[str, int | None]:
        """Return every limit by its name."""
        return {limit.value: plan.limit_of(limit) for limit in PlatformLimit}

    def get_features(self, plan: PlatformPlan) -> list[str]:
        """Return what is included."""
        return sorted(feature.value for feature in plan.features)


class LimitUseOutput(serializers.Serializer[LimitUse]):
    """How much of a limit is used; `max` and `left` are null where there is none."""

    limit = serializers.CharField()
    used = serializers.IntegerField()
    max = serializers.IntegerField(source="most", allow_null=True)
    left = serializers.IntegerField(allow_null=True)


class FeatureOutput(serializers.Serializer[Any]):
    """Whether a feature is included, and the smallest plan that has it."""

    feature = serializers.CharField()
    is_included = serializers.BooleanField()
    required_plan = serializers.CharField(allow_null=True)


class OrganizationPlanOutput(serializers.Serializer[PlanOverview]):
    """An organization's plan of the platform. `until` is when it ends; `lapsed_plan` is one that has run out."""

    plan = PlatformPlanOutput()
    until = serializers.DateTimeField(allow_null=True)
    lapsed_plan = serializers.CharField(source="standing.lapsed.key", default=None, allow_null=True)
    is_default = serializers.SerializerMethodField()
    limits = LimitUseOutput(many=True)
    features = serializers.SerializerMethodField()
    upgrade_url = serializers.SerializerMethodField()

    def get_is_default(self, overview: PlanOverview) -> bool:
        """Tell whether nobody gave it a plan."""
        return not overview.standing.is_given and overview.standing.lapsed is None

    def get_features(self, overview: PlanOverview) -> list[dict[str, Any]]:
        """Return every feature of the product."""
        rows = []
        for feature in PlatformFeature:
            first = current_plans().first_with(feature)
            rows.append(
                {
                    "feature": feature.value,
                    "is_included": feature in overview.plan.features,
                    "required_plan": first.key if first else None,
                }
            )
        return list(FeatureOutput(rows, many=True).data)

    def get_upgrade_url(self, _overview: PlanOverview) -> str:
        """Return the page on which the plans are compared."""
        return upgrade_url()


class GivenPlanInput(serializers.Serializer[Any]):
    """The plan to give, for good or until an instant; an empty one is the default plan."""

    plan = serializers.CharField(max_length=30, allow_blank=True)
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=500)

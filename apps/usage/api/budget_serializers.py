"""Shapes of budgets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.enums import Role
from apps.core.api.fields import MoneyField
from apps.core.money import Money
from apps.pricing.models import CALLS_METER
from apps.usage.budget_standings import BudgetStanding, plain_quantity, standings_of
from apps.usage.enums import BudgetPeriod
from apps.usage.models import Budget, BudgetAlert
from apps.usage.models.budgets import (
    default_projected_thresholds,
    default_roles,
    default_thresholds,
)


class BudgetInput(serializers.Serializer[Any]):
    """A budget: `amount` of money, or `quantity` of a meter; of a subscription, an API, or everything."""

    name = serializers.CharField(max_length=80)
    amount = MoneyField(required=False, allow_null=True, default=None)
    quantity = serializers.DecimalField(
        max_digits=28, decimal_places=12, required=False, allow_null=True, default=None
    )
    meter = serializers.CharField(max_length=60, required=False, default=CALLS_METER)
    subscription_id = serializers.CharField(required=False, allow_null=True, default=None)
    api_id = serializers.CharField(required=False, allow_null=True, default=None)
    period = serializers.ChoiceField(
        choices=BudgetPeriod.choices, required=False, default=BudgetPeriod.CALENDAR_MONTH
    )
    thresholds = serializers.ListField(
        child=serializers.IntegerField(), required=False, default=default_thresholds
    )
    projected_thresholds = serializers.ListField(
        child=serializers.IntegerField(), required=False, default=default_projected_thresholds
    )
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=Role.choices), required=False, default=default_roles
    )


def _money(budget: Budget, value: Decimal) -> dict[str, Any] | None:
    if not budget.currency:
        return None
    return MoneyField().to_representation(Money.from_decimal(value, budget.currency))


def _quantity(budget: Budget, value: Decimal) -> str | None:
    return None if budget.currency else plain_quantity(value)


class BudgetStandingOutput(serializers.Serializer[BudgetStanding]):
    """What is used of a budget now, and expected at the end of its period: money, or a quantity; the other is null."""

    period_start = serializers.DateTimeField(source="period.start")
    period_end = serializers.DateTimeField(source="period.end")
    used = serializers.SerializerMethodField()
    projected = serializers.SerializerMethodField()
    used_quantity = serializers.SerializerMethodField()
    projected_quantity = serializers.SerializerMethodField()
    percent_used = serializers.IntegerField()
    percent_projected = serializers.IntegerField()
    left_out = serializers.ListField(
        child=serializers.CharField(), help_text="Currencies that are not converted, hence not in."
    )

    @extend_schema_field(MoneyField(allow_null=True))
    def get_used(self, standing: BudgetStanding) -> dict[str, Any] | None:
        """Return what is spent, before tax."""
        return _money(standing.budget, standing.used)

    @extend_schema_field(MoneyField(allow_null=True))
    def get_projected(self, standing: BudgetStanding) -> dict[str, Any] | None:
        """Return what is expected to be spent, before tax."""
        return _money(standing.budget, standing.projected)

    def get_used_quantity(self, standing: BudgetStanding) -> str | None:
        """Return what is counted."""
        return _quantity(standing.budget, standing.used)

    def get_projected_quantity(self, standing: BudgetStanding) -> str | None:
        """Return what is expected to be counted."""
        return _quantity(standing.budget, standing.projected)


class BudgetListSerializer(serializers.ListSerializer[Any]):
    """Reads the standings of a page of budgets together."""

    def to_representation(self, data: Any) -> Any:
        """Compute them once for all rows."""
        rows = list(data)
        standings = standings_of(rows)
        for row in rows:
            row.standing = standings[row.pk]
        return super().to_representation(rows)


class BudgetOutput(serializers.ModelSerializer[Budget]):
    """A budget and where it stands; `standing` is null once it is archived."""

    id = serializers.CharField(source="public_id", read_only=True)
    amount = MoneyField(read_only=True, allow_null=True)
    quantity = serializers.SerializerMethodField()
    subscription_id = serializers.CharField(
        source="subscription.public_id", default=None, allow_null=True
    )
    api_id = serializers.CharField(source="api.public_id", default=None, allow_null=True)
    standing = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = Budget
        list_serializer_class: ClassVar = BudgetListSerializer
        fields = (
            "id",
            "name",
            "amount",
            "quantity",
            "meter",
            "subscription_id",
            "api_id",
            "period",
            "thresholds",
            "projected_thresholds",
            "roles",
            "archived_at",
            "created_at",
            "standing",
        )
        read_only_fields = fields

    def get_quantity(self, budget: Budget) -> str | None:
        """Return the quantity without needless zeros."""
        return None if budget.quantity is None else plain_quantity(budget.quantity)

    @extend_schema_field(BudgetStandingOutput(allow_null=True))
    def get_standing(self, budget: Budget) -> dict[str, Any] | None:
        """Return where the budget stands."""
        if budget.archived_at is not None:
            return None
        known = getattr(budget, "standing", None) or standings_of([budget])[budget.pk]
        return dict(BudgetStandingOutput(known).data)


class BudgetAlertOutput(serializers.ModelSerializer[BudgetAlert]):
    """A threshold that was told. `is_projected`: what was expected reached it, not what was used.

    Money, or a quantity, as the budget was then; the other is null.
    """

    id = serializers.CharField(source="public_id", read_only=True)
    used = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    used_quantity = serializers.SerializerMethodField()
    quantity = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = BudgetAlert
        fields = (
            "id",
            "threshold_percent",
            "is_projected",
            "used",
            "amount",
            "used_quantity",
            "quantity",
            "period_start",
            "period_end",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(MoneyField(allow_null=True))
    def get_used(self, alert: BudgetAlert) -> dict[str, Any] | None:
        """Return what was spent, or expected to be, when it was told."""
        return _money(alert.budget, alert.used)

    @extend_schema_field(MoneyField(allow_null=True))
    def get_amount(self, alert: BudgetAlert) -> dict[str, Any] | None:
        """Return the budget's amount then."""
        return _money(alert.budget, alert.bound)

    def get_used_quantity(self, alert: BudgetAlert) -> str | None:
        """Return what was counted, or expected to be, when it was told."""
        return _quantity(alert.budget, alert.used)

    def get_quantity(self, alert: BudgetAlert) -> str | None:
        """Return the budget's quantity then."""
        return _quantity(alert.budget, alert.bound)

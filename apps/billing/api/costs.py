"""What usage costs so far and is expected to cost, line by line and step by step."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.billing import estimates, selectors
from apps.billing.api.serializers import (
    EstimatedDiscountOutput,
    EstimateTotalOutput,
    ExactField,
    StepOutput,
)
from apps.billing.estimates import EstimatedLine, PeriodEstimate
from apps.core.api.fields import MoneyField
from apps.core.api.views import ApiView
from apps.subscriptions.selectors import get_subscription


class CostLineOutput(serializers.Serializer[EstimatedLine]):
    """One price component: the invoice's line if the period ended now, and how it is worked out."""

    name = serializers.CharField()
    meter = serializers.CharField(source="charge.meter")
    quantity = ExactField(source="charge.quantity")
    amount = MoneyField()
    projected = MoneyField()
    steps = serializers.SerializerMethodField()

    def get_steps(self, line: EstimatedLine) -> list[dict[str, Any]]:
        """Return the working of `amount`, each step with its operands and in words."""
        context = {"currency": line.amount.currency}
        return list(StepOutput(line.charge.steps, many=True, context=context).data)


class SubscriptionCostOutput(serializers.Serializer[PeriodEstimate]):
    """The running period of one subscription; before tax."""

    subscription_id = serializers.CharField(source="period.subscription.public_id")
    api_slug = serializers.CharField(source="period.subscription.api.slug")
    period_start = serializers.DateTimeField(source="period.period_start")
    period_end = serializers.DateTimeField(source="period.period_end")
    so_far = MoneyField()
    projected = MoneyField()
    lines = CostLineOutput(many=True)
    discounts = EstimatedDiscountOutput(many=True)


class UsageCostOutput(serializers.Serializer[Any]):
    """What the running periods cost: per currency, by subscription, line by line."""

    method = serializers.CharField()
    totals = EstimateTotalOutput(many=True)
    subscriptions = SubscriptionCostOutput(many=True)


class UsageCostView(ApiView):
    """What usage costs."""

    method_permissions: ClassVar = {"GET": "billing.read"}

    @extend_schema(
        parameters=[
            OpenApiParameter("subscription_id", str, description="Only this subscription.")
        ],
        responses=UsageCostOutput,
    )
    def get(self, request: Request) -> Response:
        """Show what each running period would cost if it ended now, and at the pace of the last 7 days.

        Worked out by the calculator that makes invoices, with what has been counted; before tax.
        """
        periods = selectors.list_open_periods(self.actor)
        wanted = request.query_params.get("subscription_id")
        if wanted:
            periods = periods.filter(subscription=get_subscription(self.actor, wanted))
        found = estimates.estimate_periods(list(periods))
        body = {
            "method": _(
                "So far: the period rated as if it ended now. Expected: what is counted, and the rest of the period "
                "at the pace of the last 7 days. Fees are whole; amounts are before tax."
            ),
            "totals": [
                {"so_far": so_far, "projected": projected}
                for so_far, projected in estimates.totals_by_currency(found)
            ],
            "subscriptions": found,
        }
        return Response(UsageCostOutput(body).data)

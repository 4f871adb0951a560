"""Closed periods that usage came late for, for finance: what rating them again would book, and doing so."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.billing.api.serializers import BillingPeriodOutput, ExactField
from apps.billing.rerating_selectors import get_any_period, periods_due_for_rerating
from apps.billing.services.rerating import preview_rerating, rerate_period
from apps.core.api.views import ApiView

FINANCE = "staff:operator,finance"


class ReratedLineOutput(serializers.Serializer[Any]):
    """A difference to what was booked."""

    description = serializers.CharField()
    kind = serializers.CharField()
    corrects = serializers.CharField(source="corrects.public_id", default=None)
    quantity = ExactField()
    amount_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    currency = serializers.CharField()


class ReratedOutput(serializers.Serializer[Any]):
    """What rating a period again books. `before` and `after` map meters to priced units."""

    run = serializers.IntegerField(source="run.number")
    period_id = serializers.CharField(source="run.period.public_id")
    late_events = serializers.IntegerField(source="run.basis.events")
    before = serializers.DictField(source="run.basis.before", child=serializers.CharField())
    after = serializers.DictField(source="run.basis.after", child=serializers.CharField())
    lines = ReratedLineOutput(many=True)


class DueReratingsView(ApiView):
    """Closed periods that are to be rated again."""

    method_permissions: ClassVar = {"GET": FINANCE}

    @extend_schema(responses=BillingPeriodOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List those with open late events or window differences, newest first. A job rates them daily."""
        rows = periods_due_for_rerating().select_related("subscription__api")
        return self.paginated(rows.order_by("-period_start", "-id"), BillingPeriodOutput)


class PeriodReratingView(ApiView):
    """Rates one closed period again."""

    method_permissions: ClassVar = {"GET": FINANCE, "POST": FINANCE}

    @extend_schema(responses=ReratedOutput(many=True))
    def get(self, _request: Request, period_id: str) -> Response:
        """Tell exactly what it would book, for the period and for later ones that change with it. Changes nothing."""
        period = get_any_period(period_id)
        found = preview_rerating(period=period, actor=self.actor)
        return Response({"data": ReratedOutput(found, many=True).data})

    @extend_schema(request=None, responses={201: ReratedOutput(many=True)})
    def post(self, request: Request, period_id: str) -> Response:
        """Settle what came late and put the difference on the account's next draft; nothing where nothing came."""
        period = get_any_period(period_id)

        def rate() -> dict[str, Any]:
            found = rerate_period(period=period, actor=self.actor)
            return {"data": ReratedOutput(found, many=True).data}

        return self.created(request, rate)

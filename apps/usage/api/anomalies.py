"""Anomalies over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.features import requires_feature
from apps.accounts.enums import PlatformFeature
from apps.accounts.selectors import get_current_organization
from apps.apis.models import Api
from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput, NotFound, RuleViolated
from apps.usage.budget_series import subscribed_apis
from apps.usage.enums import Sensitivity
from apps.usage.models import AnomalySetting, UsageAnomaly
from apps.usage.selectors import provided_apis
from apps.usage.selectors.anomalies import get_anomaly, list_anomalies, list_anomaly_settings
from apps.usage.services.anomalies import set_anomaly_sensitivity

READ = "usage.read"
MANAGE = "subscriptions.manage"
SIDES = ("consumer", "provider")
STATES = ("open", "resolved")


class AnomalyOutput(serializers.ModelSerializer[UsageAnomaly]):
    """An incident. `observed`, `expected`, `low` and `high` are calls in an hour, or percent for `errors`."""

    id = serializers.CharField(source="public_id", read_only=True)
    api_slug = serializers.CharField(source="api.slug", read_only=True)
    subscription_id = serializers.CharField(
        source="subscription.public_id", default=None, allow_null=True
    )

    class Meta:
        """Explicit fields only."""

        model = UsageAnomaly
        fields = (
            "id",
            "kind",
            "api_slug",
            "subscription_id",
            "observed",
            "expected",
            "low",
            "high",
            "started_at",
            "last_hour",
            "resolved_at",
        )
        read_only_fields = fields


class SettingInput(serializers.Serializer[Any]):
    """How much difference is told; of one API, or of all that have no setting of their own."""

    api_id = serializers.CharField(required=False, allow_null=True, default=None)
    sensitivity = serializers.ChoiceField(choices=Sensitivity.choices)


class SettingOutput(serializers.ModelSerializer[AnomalySetting]):
    """What was chosen; `api_id` is null for everything else."""

    api_id = serializers.CharField(source="api.public_id", default=None, allow_null=True)

    class Meta:
        """Explicit fields only."""

        model = AnomalySetting
        fields = ("api_id", "sensitivity", "updated_at")
        read_only_fields = fields


class AnomaliesView(ApiView):
    """Hours that were unlike their weekday."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(
        parameters=[
            OpenApiParameter("side", str, enum=SIDES, description="Own calls, or own APIs."),
            OpenApiParameter("state", str, enum=STATES),
        ],
        responses=AnomalyOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List incidents of the organization's subscriptions and of its APIs, newest first."""
        side, state = request.query_params.get("side"), request.query_params.get("state")
        if side and side not in SIDES:
            raise InvalidInput(f"one of {', '.join(SIDES)}", field="side")
        if state and state not in STATES:
            raise InvalidInput(f"one of {', '.join(STATES)}", field="state")
        rows = list_anomalies(self.actor, is_provider=side == "provider" if side else None)
        if state:
            rows = rows.filter(resolved_at__isnull=state == "open")
        return self.paginated(rows, AnomalyOutput)


class AnomalyView(ApiView):
    """One incident."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=AnomalyOutput)
    def get(self, _request: Request, anomaly_id: str) -> Response:
        """Show it."""
        return Response(AnomalyOutput(get_anomaly(self.actor, anomaly_id)).data)


class AnomalySettingsView(ApiView):
    """How much difference is told."""

    method_permissions: ClassVar = {"GET": READ, "PUT": MANAGE}

    @extend_schema(responses=SettingOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List what was chosen; without a setting it is `normal`."""
        return self.paginated(list_anomaly_settings(self.actor), SettingOutput)

    @extend_schema(request=SettingInput, responses=SettingOutput)
    @requires_feature(PlatformFeature.ANOMALY_ALERTS)
    def put(self, _request: Request) -> Response:
        """Choose for one API, or without `api_id` for all others; `off` tells nothing."""
        values = self.validated(SettingInput)
        row = set_anomaly_sensitivity(
            organization=get_current_organization(self.actor),
            api=self._api(values["api_id"]),
            sensitivity=values["sensitivity"],
            actor=self.actor,
        )
        return Response(SettingOutput(row).data)

    def _api(self, api_id: str | None) -> Api | None:
        if not api_id:
            return None
        for api in (*subscribed_apis(self.actor), *provided_apis(self.actor)):
            if api.public_id == api_id:
                return api
        raise RuleViolated(NotFound.title, field="api_id")

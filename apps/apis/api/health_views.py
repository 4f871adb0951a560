"""The health of an upstream, for its provider."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis import selectors
from apps.apis.api.serializers import HealthCheckOutput
from apps.apis.constants import MANAGE
from apps.apis.enums import CircuitState
from apps.apis.health_history import health_history
from apps.apis.models import Api
from apps.apis.services.monitoring import set_health_policy
from apps.core.api.views import ApiView


class HealthDayOutput(serializers.Serializer[object]):
    """One UTC day; `uptime` in percent, null where nothing was checked."""

    day = serializers.DateField()
    checks = serializers.IntegerField()
    uptime = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    latency_p50_ms = serializers.IntegerField(allow_null=True)
    latency_p95_ms = serializers.IntegerField(allow_null=True)


class HealthIncidentOutput(serializers.Serializer[object]):
    """A time in which the upstream stayed down; `ended_at` is null while it goes on."""

    id = serializers.CharField(source="public_id")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class UpstreamHealthOutput(serializers.Serializer[object]):
    """Thirty days of health. An open circuit: the gateway answers 503 without calling the upstream."""

    circuit = serializers.ChoiceField(choices=CircuitState.choices)
    circuit_changed_at = serializers.DateTimeField(allow_null=True)
    last_check = HealthCheckOutput(allow_null=True)
    uptime = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    days = HealthDayOutput(many=True)
    incidents = HealthIncidentOutput(many=True)


class HealthPolicyInput(serializers.Serializer[object]):
    """What is checked, what it must answer, and how often in seconds."""

    health_path = serializers.CharField(max_length=200)
    health_expected_status = serializers.IntegerField()
    health_interval_s = serializers.IntegerField()


class HealthView(ApiView):
    """An upstream's health, and what is checked."""

    method_permissions = {"GET": "apis.read", "PUT": MANAGE}

    def _load(self, api_id: str) -> Api:
        return selectors.get_own_api(self.actor, api_id)

    @extend_schema(responses=UpstreamHealthOutput)
    def get(self, _request: Request, api_id: str) -> Response:
        """Show the circuit, thirty days, and incidents."""
        return Response(UpstreamHealthOutput(health_history(self._load(api_id))).data)

    @extend_schema(request=HealthPolicyInput, responses=UpstreamHealthOutput)
    def put(self, _request: Request, api_id: str) -> Response:
        """Change what is checked; the next check is due at once."""
        given = self.validated(HealthPolicyInput)
        api = set_health_policy(
            api=self._load(api_id),
            path=given["health_path"],
            expected_status=given["health_expected_status"],
            interval_s=given["health_interval_s"],
            actor=self.actor,
        )
        return Response(UpstreamHealthOutput(health_history(api)).data)

"""What the operator's endpoints of the gateway answer."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from apps.core import clock
from apps.gateway.models import AuthorizerNode, ReconciliationReport, RegistryEntry, TenantThrottle

# What a window of the registry can hold.
MAX_CALLS: Final = 1_000_000_000


class NodeOutput(serializers.ModelSerializer[AuthorizerNode]):
    """An authorizer: which version it serves, and whether its lease runs."""

    is_leased = serializers.SerializerMethodField()
    state = serializers.CharField(source="details.state", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = AuthorizerNode
        fields = ("name", "epoch", "version", "is_leased", "lease_expires_at", "seen_at", "state")
        read_only_fields = fields

    def get_is_leased(self, node: AuthorizerNode) -> bool:
        """Tell whether it may serve now."""
        return node.lease_expires_at > clock.now()


class StandingOutput(serializers.Serializer[Any]):
    """The whole sync at a glance."""

    is_healthy = serializers.BooleanField()
    epoch = serializers.CharField()
    version = serializers.IntegerField()
    leased_nodes = serializers.IntegerField()
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()
    waiting_since = serializers.DateTimeField(allow_null=True)


class NodesOutput(serializers.Serializer[Any]):
    """The sync, and every authorizer."""

    registry = StandingOutput()
    nodes = NodeOutput(many=True)


class NodeStandingOutput(serializers.Serializer[Any]):
    """An authorizer with its lag in versions; `tables` is what the last reconciliation found of it."""

    name = serializers.CharField(source="node.name")
    epoch = serializers.CharField(source="node.epoch")
    version = serializers.IntegerField(source="node.version")
    lag = serializers.IntegerField()
    is_leased = serializers.BooleanField()
    lease_expires_at = serializers.DateTimeField(source="node.lease_expires_at")
    seen_at = serializers.DateTimeField(source="node.seen_at")
    digest = serializers.CharField()
    entry_count = serializers.IntegerField()
    tables = serializers.CharField()


class ReconciliationOutput(serializers.ModelSerializer[ReconciliationReport]):
    """What a reconciliation found and healed."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ReconciliationReport
        fields = (
            "id",
            "status",
            "reason",
            "started_by",
            "started_at",
            "finished_at",
            "checked_count",
            "missing_count",
            "orphaned_count",
            "different_count",
            "different_nodes_count",
            "proxy_paths_count",
            "healed_count",
            "details",
        )
        read_only_fields = fields


class EntryOutput(serializers.ModelSerializer[RegistryEntry]):
    """An entry on its way, without what it holds."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = RegistryEntry
        fields = ("id", "kind", "key", "state", "wanted_at", "retry_at", "attempts", "last_error")
        read_only_fields = fields


class ThrottleInput(serializers.Serializer[Any]):
    """A throttle to apply: at least one of the two limits, why, and until when (at most 30 days ahead)."""

    organization = serializers.CharField(max_length=40)
    calls_per_second = serializers.IntegerField(
        min_value=1, max_value=MAX_CALLS, required=False, allow_null=True, default=None
    )
    calls_per_minute = serializers.IntegerField(
        min_value=1, max_value=MAX_CALLS, required=False, allow_null=True, default=None
    )
    reason = serializers.CharField(max_length=500)
    ends_at = serializers.DateTimeField()


class ThrottleQuery(serializers.Serializer[Any]):
    """Which throttles to list."""

    organization = serializers.CharField(max_length=40, required=False, default="")


class LiftInput(serializers.Serializer[Any]):
    """Why a throttle is ended before its time."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ThrottleOutput(serializers.ModelSerializer[TenantThrottle]):
    """A throttle of an organization."""

    id = serializers.CharField(source="public_id", read_only=True)
    organization = serializers.CharField(source="organization.public_id", read_only=True)
    organization_name = serializers.CharField(source="organization.name", read_only=True)
    is_holding = serializers.BooleanField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = TenantThrottle
        fields = (
            "id",
            "organization",
            "organization_name",
            "calls_per_second",
            "calls_per_minute",
            "reason",
            "is_holding",
            "created_at",
            "ends_at",
            "lifted_at",
        )
        read_only_fields = fields


class OverviewOutput(serializers.Serializer[Any]):
    """The whole gateway: `troubles` are sentences, empty when all is well; `proxy` and `last_report` may be null."""

    is_healthy = serializers.BooleanField()
    troubles = serializers.ListField(child=serializers.CharField())
    registry = StandingOutput(source="standing")
    entries = serializers.DictField(child=serializers.IntegerField())
    nodes = NodeStandingOutput(many=True)
    proxy = serializers.DictField(allow_null=True)
    last_report = ReconciliationOutput(allow_null=True)


class JobStartedOutput(serializers.Serializer[Any]):
    """A job that was started; follow it at `/api/jobs/status/{id}`."""

    job = serializers.CharField()
    status = serializers.CharField()

"""What the operator's endpoints of the gateway answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core import clock
from apps.gateway.models import AuthorizerNode, ReconciliationReport


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


class ReportOutput(serializers.ModelSerializer[ReconciliationReport]):
    """What a reconciliation found and healed."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ReconciliationReport
        fields = (
            "id",
            "started_at",
            "finished_at",
            "checked_count",
            "missing_count",
            "orphaned_count",
            "different_count",
            "healed_count",
            "details",
        )
        read_only_fields = fields


class JobStartedOutput(serializers.Serializer[Any]):
    """A job that was started; follow it at `/api/jobs/status/{id}`."""

    job = serializers.CharField()
    status = serializers.CharField()

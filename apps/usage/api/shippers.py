"""Gateway nodes' shippers over REST, for operators."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.usage import selectors
from apps.usage.models import NodeRetirement
from apps.usage.selectors.shippers import ShipperStanding
from apps.usage.services import retire_node

OPERATOR = "staff:operator"


class ShipperOutput(serializers.Serializer[ShipperStanding]):
    """How far a node has shipped its calls; closing waits for the slowest that is not retired."""

    node = serializers.CharField(source="state.node")
    status = serializers.ChoiceField(choices=["reporting", "silent", "retired"])
    oldest_unshipped_at = serializers.DateTimeField(
        source="state.oldest_unshipped_at", allow_null=True
    )
    reported_at = serializers.DateTimeField(source="state.reported_at")
    retired_at = serializers.DateTimeField(source="state.retired_at", allow_null=True)


class RetirementInput(serializers.Serializer[Any]):
    """Why the node will not come back."""

    reason = serializers.CharField(max_length=500)


class RetirementOutput(serializers.ModelSerializer[NodeRetirement]):
    """A node that was taken out of service."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = NodeRetirement
        fields = ("id", "node", "reason", "last_reported_at", "oldest_unshipped_at", "created_at")
        read_only_fields = fields


class ShippersView(ApiView):
    """The nodes that ship calls."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(responses=ShipperOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List every node that ever shipped calls, retired ones included, by name."""
        rows = [ShipperOutput(standing).data for standing in selectors.shipper_standings()]
        return Response(rows)


class ShipperView(ApiView):
    """One node."""

    method_permissions: ClassVar = {"GET": OPERATOR, "DELETE": OPERATOR}

    @extend_schema(responses=ShipperOutput)
    def get(self, _request: Request, node: str) -> Response:
        """Show how far it has come."""
        state = selectors.get_shipper(node)
        standing = ShipperStanding(state, selectors.shipper_status(state))
        return Response(ShipperOutput(standing).data)

    @extend_schema(request=RetirementInput, responses=RetirementOutput)
    def delete(self, _request: Request, node: str) -> Response:
        """Retire a node that is gone for good: closing and health no longer wait for it.

        409 `node_still_reports` while its shipper was heard within a minute. A node that reports again is back in service.
        """
        state = selectors.get_shipper(node)
        reason = self.validated(RetirementInput)["reason"]
        retirement = retire_node(node=state, reason=reason, actor=self.actor)
        return Response(RetirementOutput(retirement).data)

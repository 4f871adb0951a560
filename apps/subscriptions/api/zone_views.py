"""What a move to another time zone would mean for an organization's subscriptions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import validate_timezone
from apps.accounts.selectors import get_current_organization
from apps.core.api.views import ApiView
from apps.subscriptions import services
from apps.subscriptions.services.zones import ZoneMove


class ZoneInput(serializers.Serializer[Any]):
    """The zone that the organization would move to."""

    timezone = serializers.CharField(validators=[validate_timezone])


class ZoneMoveOutput(serializers.Serializer[ZoneMove]):
    """A subscription whose running period would end at another moment.

    `is_at_once` is false where the period would be over already by the new zone: then it ends as planned, and the next one follows.
    """

    id = serializers.CharField(source="subscription.public_id")
    api_name = serializers.CharField(source="subscription.api.name")
    plan_name = serializers.CharField(source="subscription.plan.name")
    starts_at = serializers.DateTimeField(source="period.start")
    ends_at = serializers.DateTimeField(source="period.end")
    new_ends_at = serializers.DateTimeField(source="new_end")
    is_at_once = serializers.BooleanField()


class ZonePreviewOutput(serializers.Serializer[Any]):
    """All of them."""

    data = ZoneMoveOutput(many=True)  # type: ignore[assignment]  # a member of the answer, not DRF's data


class ZonePreviewView(ApiView):
    """Shows a move to another time zone before it is made."""

    method_permissions = {"GET": "subscriptions.read"}

    @extend_schema(parameters=[ZoneInput], responses=ZonePreviewOutput)
    def get(self, request: Request) -> Response:
        """Tell when the running periods would end if the organization moved to `timezone`. Nothing changes."""
        wanted = ZoneInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        moves = services.preview_zone_move(
            organization=get_current_organization(self.actor), **wanted.validated_data
        )
        return Response(ZonePreviewOutput({"data": moves}).data)

"""Side by side over REST: the plans of an API, and two versions of a price."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis.selectors import get_readable_api
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView
from apps.pricing import selectors
from apps.pricing.api.views import READ, PlanViewBase
from apps.pricing.comparison import compare_plans
from apps.pricing.differences import differences


class ComparedPlanOutput(serializers.Serializer[Any]):
    """A plan at the head of a column."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()


class ComparedCellOutput(serializers.Serializer[Any]):
    """One plan's answer."""

    value = serializers.JSONField(allow_null=True, help_text="Null: none.")
    text = serializers.CharField(help_text="In the reader's language.")


class ComparedRowOutput(serializers.Serializer[Any]):
    """One question, answered for each plan in order."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the name of a member, not the field's own
    is_different = serializers.BooleanField()
    cells = ComparedCellOutput(many=True)


class ComparisonOutput(serializers.Serializer[Any]):
    """Plans side by side."""

    plans = ComparedPlanOutput(many=True)
    rows = ComparedRowOutput(many=True)


class TermDifferenceOutput(serializers.Serializer[Any]):
    """One thing in two versions; null: the version does not have it."""

    path = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the name of a member, not the field's own
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)
    is_changed = serializers.BooleanField()


class VersionDifferencesOutput(serializers.Serializer[Any]):
    """Two versions side by side."""

    before = serializers.CharField(allow_null=True)
    after = serializers.CharField()
    differences = TermDifferenceOutput(many=True)


class ComparePlansView(ApiView):
    """The plans of an API side by side."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=ComparisonOutput)
    def get(self, _request: Request, slug: str) -> Response:
        """Answer prices, limits, quotas and features of each plan that the caller may choose."""
        api = get_readable_api(self.actor, slug)
        plans = selectors.list_offered_plans(api, self.actor.organization_id)
        return Response(ComparisonOutput(compare_plans(list(plans))).data)


class VersionDifferencesView(PlanViewBase):
    """What a price version changes."""

    method_permissions = {"GET": READ}

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "against",
                OpenApiTypes.STR,
                description="Another version of the plan, `prv_…`; left out: the one before.",
            )
        ],
        responses=VersionDifferencesOutput,
    )
    def get(self, request: Request, plan_id: str, version_id: str) -> Response:
        """Answer every term and component of two versions, and which of them differ."""
        plan = self.load(plan_id)
        after = self.load_version(plan, version_id)
        against = request.query_params.get("against")
        before = self.load_version(plan, against) if against else selectors.version_before(after)
        new = selectors.full_draft_of(after)
        old = selectors.full_draft_of(before) if before else new
        answer = {
            "before": before.public_id if before else None,
            "after": after.public_id,
            "differences": differences(old, new),
        }
        return Response(VersionDifferencesOutput(answer).data)

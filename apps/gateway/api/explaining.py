"""Explaining decisions over REST, for operators."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.gateway import services
from apps.gateway.explanations import Question

OPERATOR = "staff:operator"
MAX_TARGET_CHARS = 2_000
MAX_HEADERS = 50


class ExplainInput(serializers.Serializer[dict[str, Any]]):
    """A call to explain: the key by its text, its digest or its id, and what the call does."""

    key = serializers.CharField(max_length=200, required=False, write_only=True)
    digest = serializers.RegexField("^[0-9a-f]{64}$", required=False)
    key_id = serializers.CharField(max_length=60, required=False)
    target = serializers.CharField(
        max_length=MAX_TARGET_CHARS,
        help_text="The path on the gateway, from the API's slug on: `/weather/today?city=Harare`.",
    )
    method = serializers.RegexField("^[A-Za-z]{1,20}$", default="GET")
    address = serializers.IPAddressField(required=False)
    headers = serializers.ListField(
        child=serializers.CharField(max_length=80),
        max_length=MAX_HEADERS,
        default=list,
        help_text="Names of headers that the call has.",
    )


class DecisionStepOutput(serializers.Serializer[dict[str, Any]]):
    """One step of a decision; `code` and `title` are those that a call would get."""

    step = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["passed", "failed", "skipped"])
    code = serializers.CharField(allow_null=True)
    title = serializers.CharField(allow_null=True)
    details = serializers.DictField(child=serializers.CharField())


class ExplanationOutput(serializers.Serializer[dict[str, Any]]):
    """What a call would get, and why."""

    decision = serializers.CharField()
    status = serializers.IntegerField()
    node = serializers.CharField()
    epoch = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    key_id = serializers.CharField(allow_null=True)
    subscription_id = serializers.CharField(allow_null=True)
    steps = DecisionStepOutput(many=True)


class ExplainView(ApiView):
    """Why a call would pass or not."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=ExplainInput, responses=ExplanationOutput)
    def post(self, _request: Request) -> Response:
        """Explain what a call would get, step by step. Nothing is taken or counted; the question is audited."""
        data = self.validated(ExplainInput)
        data["headers"] = tuple(data["headers"])
        explanation = services.explain_decision(question=Question(**data), actor=self.actor)
        return Response(ExplanationOutput(explanation).data)
